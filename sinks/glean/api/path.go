package api

// Prefix is the beginning of every path of the Indexing API. All operations are POST.
const Prefix = "/api/index/v1/"

// The paths, below the server's URL.
const (
	PathBulkIndexUsers        = Prefix + "bulkindexusers"
	PathBulkIndexGroups       = Prefix + "bulkindexgroups"
	PathBulkIndexMemberships  = Prefix + "bulkindexmemberships"
	PathBulkIndexDocuments    = Prefix + "bulkindexdocuments"
	PathAddDatasource         = Prefix + "adddatasource"
	PathGetDatasourceConfig   = Prefix + "getdatasourceconfig"
	PathCheckDocumentAccess   = Prefix + "checkdocumentaccess"
	PathIndexDocument         = Prefix + "indexdocument"
	PathIndexDocuments        = Prefix + "indexdocuments"
	PathUpdatePermissions     = Prefix + "updatepermissions"
	PathDeleteDocument        = Prefix + "deletedocument"
	PathIndexUser             = Prefix + "indexuser"
	PathDeleteUser            = Prefix + "deleteuser"
	PathIndexGroup            = Prefix + "indexgroup"
	PathDeleteGroup           = Prefix + "deletegroup"
	PathIndexMembership       = Prefix + "indexmembership"
	PathDeleteMembership      = Prefix + "deletemembership"
	PathProcessAllDocuments   = Prefix + "processalldocuments"
	PathProcessAllMemberships = Prefix + "processallmemberships"
	PathBetaUsers             = Prefix + "betausers"
	PathRotateToken           = Prefix + "rotatetoken"
)

// PathDebugStatus is the path of a datasource's status; the request has no body.
func PathDebugStatus(datasource string) string { return debug(datasource, "status") }

// PathDebugDocument is the path of one document's status.
func PathDebugDocument(datasource string) string { return debug(datasource, "document") }

// PathDebugDocuments is the path of many documents' status.
func PathDebugDocuments(datasource string) string { return debug(datasource, "documents") }

// PathDebugUser is the path of one user's status.
func PathDebugUser(datasource string) string { return debug(datasource, "user") }

// PathDebugEvents is the path of what happened to a document.
func PathDebugEvents(datasource string) string { return debug(datasource, "document/events") }

func debug(datasource, what string) string { return Prefix + "debug/" + datasource + "/" + what }
