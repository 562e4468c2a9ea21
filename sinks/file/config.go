package file

import "github.com/pipe-engine/pipe/engine/component"

// Config is the block sink.file of a pipeline file.
type Config struct {
	Folder string `yaml:"folder" required:"true" doc:"Folder of the files users.ndjson, groups.ndjson, memberships.ndjson and documents.ndjson; it is created if it is missing. A relative path is relative to the folder of the pipeline file."`
}

// The streams. The pipeline file has no memberships: the session derives them from the
// groups.
const (
	streamUsers       = "users"
	streamGroups      = "groups"
	streamMemberships = "memberships"
	streamDocuments   = "documents"
)

func streams() []component.Stream {
	return []component.Stream{
		{Name: streamUsers, Identities: true, Doc: "Users, one object per line in users.ndjson.",
			Fields: []component.FieldSpec{
				{Name: "id", Type: component.RefField, Required: true,
					Doc: "The ref of the user in permissions and members."},
				{Name: "email", Type: component.EmailField, Decides: true, Doc: "The e-mail address; mailto: is removed."},
				{Name: "name", Type: component.Text, Doc: "The user's name."},
			}},
		{Name: streamGroups, Identities: true, Groups: true,
			Doc: "Groups in groups.ndjson, and their members in memberships.ndjson.",
			Fields: []component.FieldSpec{
				{Name: "id", Type: component.RefField, Required: true,
					Doc: "The ref of the group in permissions and members."},
				{Name: "name", Type: component.Text, Doc: "The group's name."},
				{Name: "members", Type: component.RefList,
					Doc: "Refs of its members: users, and groups whose members count as its own."},
			}},
		{Name: streamDocuments, Permissions: true, Doc: "Documents with their permissions, in documents.ndjson.",
			Fields: []component.FieldSpec{
				{Name: "id", Type: component.Text, Required: true, Doc: "The unique id of the document."},
				{Name: "type", Type: component.Text, Doc: "The type of the document."},
				{Name: "title", Type: component.Text, Doc: "The title."},
				{Name: "url", Type: component.Text, Doc: "Its address."},
				{Name: "text", Type: component.Text, Doc: "Its text."},
				{Name: "tags", Type: component.TextList, Doc: "Labels."},
				{Name: "updatedAt", Type: component.Seconds, Doc: "When it was last changed, in seconds since 1970: epoch(…)."},
				{Name: "properties", Type: component.Properties, Doc: "Any other values, by name."},
			}},
	}
}
