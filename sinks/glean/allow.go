package glean

import (
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// allowed are the paths that may be asked for what the sink was opened for, and
// no others: a command that only looks cannot change anything, and none that
// changes one thing can change another.
func (k *Sink) allowed() []string {
	name := k.client.Datasource
	uploads := []string{api.PathBulkIndexUsers, api.PathBulkIndexGroups, api.PathBulkIndexMemberships,
		api.PathBulkIndexDocuments}
	switch k.purpose {
	case component.ForRun:
		paths := append(uploads, api.PathGetDatasourceConfig, api.PathDebugStatus(name), api.PathUpdatePermissions,
			api.PathDeleteDocument)
		if k.inRun != nil {
			paths = append(paths, api.PathAddDatasource, api.PathBetaUsers)
		}
		return paths
	case component.ForProvision:
		return []string{api.PathGetDatasourceConfig, api.PathDebugStatus(name), api.PathAddDatasource, api.PathBetaUsers}
	case component.ForStatus:
		return []string{api.PathDebugStatus(name), api.PathDebugDocuments(name), api.PathDebugEvents(name),
			api.PathDebugUser(name), api.PathCheckDocumentAccess}
	case component.ForHiding:
		return []string{api.PathDebugStatus(name), api.PathDebugDocuments(name), api.PathUpdatePermissions,
			api.PathDeleteDocument, api.PathProcessAllDocuments}
	case component.ForPushing:
		return []string{
			api.PathGetDatasourceConfig, api.PathDebugStatus(name), api.PathDebugDocuments(name),
			api.PathIndexUser, api.PathIndexGroup, api.PathIndexMembership, api.PathIndexDocument,
			api.PathUpdatePermissions, api.PathDeleteDocument, // of what was hidden meanwhile
		}
	case component.ForPurging:
		return append(uploads, api.PathDebugStatus(name))
	case component.ForProcessing:
		return []string{api.PathDebugStatus(name), api.PathProcessAllDocuments, api.PathProcessAllMemberships}
	case component.ForRotating:
		return []string{api.PathRotateToken}
	}
	return nil
}
