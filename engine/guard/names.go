package guard

// The names of the guards in refusals. Names with max_ are keys of the pipeline file.
const (
	MaxRejected = "max_rejected"
	EmptyStream = "empty stream"
	MaxLoss     = "max_loss"
	MaxWiden    = "max_widen"
	MaxGrowth   = "max_growth"
	Clock       = "clock"
	Baseline    = "baseline"
	Owner       = "owner"
	Recreated   = "datasource"
	Push        = "push"
)

// UploadChange is the type of the change for an upload of another owner.
const UploadChange = "upload"
