package payload

import (
	"errors"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
)

// WorkerConverter returns the DataConverter of a worker. It panics where the program does not have the
// key of a payload: Temporal then gives the task to another worker. An error would fail the workflow, or
// lose a signal. It returns ErrPlain for values without a payload, such as those of a signal without data.
func WorkerConverter(keys *Keys) converter.DataConverter { return workerConverter{DataConverter(keys)} }

type workerConverter struct{ converter.DataConverter }

func (c workerConverter) FromPayload(p *commonpb.Payload, to any) error {
	return withKey(c.DataConverter.FromPayload(p, to))
}

func (c workerConverter) FromPayloads(p *commonpb.Payloads, to ...any) error {
	if len(to) > 0 && len(p.GetPayloads()) == 0 {
		return ErrPlain
	}
	return withKey(c.DataConverter.FromPayloads(p, to...))
}

func withKey(err error) error {
	if errors.Is(err, ErrNoKey) {
		panic(err)
	}
	return err
}
