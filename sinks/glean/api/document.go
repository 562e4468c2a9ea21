package api

// MaxID is the longest id of a document or comment, in characters. Glean
// compares ids without regard to case.
const MaxID = 200

// Document is Glean's DocumentDefinition. Times are epoch seconds.
type Document struct {
	Datasource            string           `json:"datasource"`
	ID                    string           `json:"id,omitzero"`
	ObjectType            string           `json:"objectType,omitzero"`
	Title                 string           `json:"title,omitzero"`
	Filename              string           `json:"filename,omitzero"`
	ViewURL               string           `json:"viewURL,omitzero"`
	Container             string           `json:"container,omitzero"`
	ContainerDatasourceID string           `json:"containerDatasourceId,omitzero"`
	ContainerObjectType   string           `json:"containerObjectType,omitzero"`
	Summary               *Content         `json:"summary,omitzero"`
	Body                  *Content         `json:"body,omitzero"`
	Author                *UserReference   `json:"author,omitzero"`
	Owner                 *UserReference   `json:"owner,omitzero"`
	UpdatedBy             *UserReference   `json:"updatedBy,omitzero"`
	CreatedAt             int64            `json:"createdAt,omitzero"`
	UpdatedAt             int64            `json:"updatedAt,omitzero"`
	Tags                  []string         `json:"tags,omitempty"`
	Status                string           `json:"status,omitzero"`
	AdditionalURLs        []string         `json:"additionalUrls,omitempty"`
	NativeAppURL          string           `json:"nativeAppUrl,omitzero"`
	Comments              []Comment        `json:"comments,omitempty"`
	Interactions          *Interactions    `json:"interactions,omitzero"`
	CustomProperties      []CustomProperty `json:"customProperties,omitempty"`
	Permissions           *Permissions     `json:"permissions,omitzero"`
}

// Content is text or base64 encoded bytes, never both.
type Content struct {
	MimeType      string `json:"mimeType"`
	TextContent   string `json:"textContent,omitzero"`
	BinaryContent string `json:"binaryContent,omitzero"`
}

// UserReference names a user by e-mail if the datasource has isUserReferencedByEmail,
// otherwise by DatasourceUserID.
type UserReference struct {
	Email            string `json:"email,omitzero"`
	DatasourceUserID string `json:"datasourceUserId,omitzero"`
	Name             string `json:"name,omitzero"`
}

// Comment is Glean's CommentDefinition.
type Comment struct {
	ID        string         `json:"id"`
	Author    *UserReference `json:"author,omitzero"`
	Content   *Content       `json:"content,omitzero"`
	CreatedAt int64          `json:"createdAt,omitzero"`
	UpdatedAt int64          `json:"updatedAt,omitzero"`
	UpdatedBy *UserReference `json:"updatedBy,omitzero"`
}

// Interactions are ranking signals.
type Interactions struct {
	NumViews    int64 `json:"numViews,omitzero"`
	NumLikes    int64 `json:"numLikes,omitzero"`
	NumComments int64 `json:"numComments,omitzero"`
}

// CustomProperty is one property of a document. Value is a string, an integer
// (INT and DATE properties) or a list of strings; a boolean is refused.
type CustomProperty struct {
	Name  string `json:"name"`
	Value any    `json:"value"`
}

// Permissions define who finds a document: the union of all members that are set. The zero
// value grants access to no one.
type Permissions struct {
	AllowedUsers                  []UserReference     `json:"allowedUsers,omitempty"`
	AllowedGroups                 []string            `json:"allowedGroups,omitempty"`
	AllowedGroupIntersections     []GroupIntersection `json:"allowedGroupIntersections,omitempty"`
	AllowAnonymousAccess          bool                `json:"allowAnonymousAccess,omitzero"`          // every Glean user
	AllowAllDatasourceUsersAccess bool                `json:"allowAllDatasourceUsersAccess,omitzero"` // every uploaded user
}

// GroupIntersection allows people who are in all of its groups.
type GroupIntersection struct {
	RequiredGroups []string `json:"requiredGroups"`
}
