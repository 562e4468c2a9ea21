package glean

// operator does what people do with a datasource outside a run.
type operator struct {
	client     *client
	cfg        *Config
	clock      *clock
	datasource *manager
	names      naming
	lender     string // the datasource whose users and groups count; "": its own
}
