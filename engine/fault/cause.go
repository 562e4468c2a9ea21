package fault

import (
	"context"
	"errors"
)

// Cause returns the cause of ctx when ctx has ended and err only reports that. It returns other
// errors and nil unchanged.
func Cause(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
	}
	return err
}
