package settings

// Category is a valid datasourceCategory.
type Category struct{ Name, Doc string }

// Categories are all that there are; UNCATEGORIZED, which Glean has too, cannot
// be a datasource's.
func Categories() []Category {
	return []Category{
		{"KNOWLEDGE_HUB", "what an organisation knows about itself, such as a software catalog; results show owner and " +
			"container"},
		{"PUBLISHED_CONTENT", "articles that few write and many read; results show author and container"},
		{"COLLABORATIVE_CONTENT", "documents that people write together"},
		{"QUESTION_ANSWER", "questions with their answers"},
		{"TICKETS", "issues and support cases"},
		{"CRM", "customers and deals"},
		{"MESSAGING", "conversations"},
		{"EMAIL", "mail"},
		{"CALENDAR", "events"},
		{"CODE_REPOSITORY", "source code"},
		{"CHANGE_MANAGEMENT", "changes with their reviews"},
		{"PEOPLE", "persons"},
		{"ATS", "applicants and jobs"},
		{"ENTITY", "entities of your own; goes with isEntityDatasource: true"},
		{"EXTERNAL_SHORTCUT", "short links"},
		{"SSO", "apps behind a single sign-on"},
		{"AGENTS", "agents"},
		{"AI_CONVERSATION", "conversations with an assistant"},
		{"AI_ARTIFACT", "what an assistant has made"},
	}
}
