package fault

import (
	"context"
	"errors"
)

// Cause returns the cause for which ctx ended in place of an error that only says that
// it ended; other errors and nil are returned as they are.
func Cause(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
	}
	return err
}
