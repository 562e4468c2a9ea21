package workflows

import "go.temporal.io/sdk/temporal"

// The search attributes of Pipeline, all of type Keyword.
var (
	AttributePipeline = temporal.NewSearchAttributeKeyKeyword("PipePipeline")
	AttributeTeam     = temporal.NewSearchAttributeKeyKeyword("PipeTeam")
	AttributeRegion   = temporal.NewSearchAttributeKeyKeyword("PipeRegion")
	AttributeResult   = temporal.NewSearchAttributeKeyKeyword("PipeResult")
)

// Attributes returns the names of the search attributes.
func Attributes() []string {
	return []string{AttributePipeline.GetName(), AttributeTeam.GetName(), AttributeRegion.GetName(),
		AttributeResult.GetName()}
}

// AttributesOf returns the search attributes of a job that begins.
func AttributesOf(j Job) temporal.SearchAttributes {
	if !j.Attributes {
		return temporal.SearchAttributes{}
	}
	return temporal.NewSearchAttributes(AttributePipeline.ValueSet(j.Pipeline), AttributeTeam.ValueSet(j.Team),
		AttributeRegion.ValueSet(j.Region), AttributeResult.ValueSet(ResultRunning))
}
