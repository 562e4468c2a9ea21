package preview

import "context"

// Kept returns the refs of the records that an index keeps in memory.
func (x *Index) Kept() []string { return x.trace.Refs() }

// Shortened exports shortened.
var Shortened = shortened

// Size returns the size of the database of an index in bytes.
func (x *Index) Size(ctx context.Context) (n int64, err error) {
	err = x.db.QueryRowContext(ctx, "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()").Scan(&n)
	return n, err
}
