package glean

import (
	"slices"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/encode"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
)

// Spec describes the sink.
func Spec() component.SinkSpec[*settings.Config] {
	return component.SinkSpec[*settings.Config]{
		Name:      "glean",
		Summary:   "Fills a datasource of Glean with users, groups and their members, and documents with permissions.",
		Config:    func() *settings.Config { return &settings.Config{} },
		Address:   (*settings.Config).Address,
		Streams:   func(cfg *settings.Config) []component.Stream { return streams(cfg.Datasource) },
		Content:   []string{"datasource", "properties"},
		Own:       []string{api.StreamMemberships},
		PlaceName: func(cfg *settings.Config) string { return cfg.Datasource.Name },
		CheckMappings: func(cfg *settings.Config, all []component.MappingFacts, b component.Builder) {
			all = slices.DeleteFunc(all, notOfDocuments)
			cfg.DefineProperties(all, b)
			if s, err := settings.NewSchema(cfg.Datasource); err == nil {
				s.CheckMappings(all, b)
			}
		},
		Open: func(cfg *settings.Config, s component.Settings) (component.Sink, error) {
			return Open(cfg, s, Options{})
		},
		Sandbox: startSandbox,
		Missing: (*settings.Config).Missing,
		Adopt:   (*settings.Config).Adopt,
	}
}

func notOfDocuments(m component.MappingFacts) bool { return m.Stream != api.StreamDocuments }

// The limits of fields that may be cut. Glean documents none; these are what a page of
// results can show, and what fits a request.
var (
	shortText  = component.CutLimit{Bytes: 1 << 10}
	shortTexts = component.CutLimit{Bytes: 1 << 10, Items: 1000}
)

func streams(d api.DatasourceConfig) []component.Stream {
	elsewhere := ""
	if lender := settings.LenderOf(d); lender != "" {
		elsewhere = "the datasource " + lender + " provides them"
	}
	return []component.Stream{
		{Name: api.StreamUsers, Identities: true, Elsewhere: elsewhere,
			Doc: "The datasource users. Users with the same e-mail address are one user.", Fields: []component.FieldSpec{
				{Name: "id", Type: component.RefField, Required: true, Doc: "The ref of the user in permissions, owners and " +
					"members."},
				{Name: "email", Type: component.EmailField, Required: true,
					Doc: "The e-mail address with which the user signs in to Glean. mailto: is removed; a text that is not one " +
						"address rejects the user."},
				{Name: "name", Type: component.Text, Cut: shortText, Doc: "The user's name; the part of the e-mail before @ " +
					"if it is empty."},
				{Name: "userId", Type: component.Text, Decides: true, Doc: "The id of the user in the datasource if " +
					"isUserReferencedByEmail is false; by default the field id."},
				{Name: "isActive", Type: component.Flag, Decides: true, Doc: "Whether the user is active; by default true. " +
					"An inactive user, such as former staff or a bot, finds nothing."},
			}},
		{Name: api.StreamGroups, Identities: true, Groups: true, Elsewhere: elsewhere,
			Doc: "Groups that permissions may name, with their members.", Fields: []component.FieldSpec{
				{Name: "id", Type: component.RefField, Required: true, Doc: "The ref of the group in permissions and members."},
				{Name: "name", Type: component.Text, Decides: true, Doc: "The group's name in Glean, without white space; by " +
					"default the id."},
				{Name: "members", Type: component.RefList, Doc: "Refs of its members: users, and groups whose members count as " +
					"its own."},
				{Name: "subgroups", Type: component.RefList, Doc: "Refs of groups whose members count as its own."},
			}},
		{Name: api.StreamDocuments, Permissions: true, Doc: "What people find.", Fields: []component.FieldSpec{
			{Name: "id", Type: component.Text, Required: true, Doc: "The unique id of the document, not " +
				"case-sensitive; at most 200 characters."},
			{Name: "objectType", Type: component.Text, Required: true,
				Doc: "One of the types under datasource.objectDefinitions."},
			{Name: "title", Type: component.Text, Cut: shortText, Doc: "The title, as plain text; cut at 1 KiB."},
			{Name: "viewURL", Type: component.Text, Doc: "Its address; it matches datasource.urlRegex."},
			{Name: "summary", Type: component.Text, Cut: component.CutLimit{Bytes: 64 << 10},
				Doc: "A summary, as plain text; cut at 64 KiB."},
			{Name: "body", Type: component.Text, Cut: component.CutLimit{Bytes: encode.MaxDocument},
				Doc: "Its text, which is searched and shown in snippets; cut if the document is larger than 4 MiB."},
			{Name: "bodyType", Type: component.Text, Doc: "The body's media type: text/plain (default), " +
				"text/markdown, text/html or text/csv."},
			{Name: "owner", Type: component.RefField, Doc: "The user that owns it."},
			{Name: "author", Type: component.RefField, Doc: "The user that wrote it."},
			{Name: "updatedBy", Type: component.RefField, Doc: "The user that last changed it."},
			{Name: "createdAt", Type: component.Seconds, Doc: "When it was created, in seconds since 1970: epoch(…)."},
			{Name: "updatedAt", Type: component.Seconds, Doc: "When it was last changed, in seconds since 1970: epoch(…)."},
			{Name: "container", Type: component.Text, Cut: shortText, Doc: "The name of its container; cut at 1 KiB."},
			{Name: "containerObjectType", Type: component.Text, Doc: "The object type of the container; left out if it is not " +
				"defined."},
			{Name: "containerDatasourceId", Type: component.Text, Doc: "The id of the container."},
			{Name: "tags", Type: component.TextList, Cut: shortTexts,
				Doc: "Labels; a built-in facet; the first 1,000, each cut at 1 KiB."},
			{Name: "status", Type: component.Text, Cut: shortText, Doc: "A state, as text; cut at 1 KiB."},
			{Name: "additionalUrls", Type: component.TextList, Cut: component.CutLimit{Items: shortTexts.Items},
				Doc: "Other addresses of the document; the first 1,000."},
			{Name: "nativeAppUrl", Type: component.Text, Doc: "A deep link into an app."},
			{Name: "customProperties", Type: component.Properties, Cut: shortTexts,
				Doc: "The properties that its object type defines; texts cut at 1 KiB, lists after 1,000 values."},
		}},
	}
}
