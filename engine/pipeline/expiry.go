package pipeline

import "time"

// expirer is the configuration of a component that knows when its token expires. The zero
// time means that the file does not say.
type expirer interface{ Expires() time.Time }

// Expiries returns the days on which the tokens of the source and the sink expire, by their
// paths in the file. A token whose day is not known is absent.
func (d *Definition) Expiries() map[string]time.Time {
	out := map[string]time.Time{}
	for path, cfg := range map[string]any{
		"source." + d.Source.Name + ".token": d.SourceCfg, "sink." + d.Sink.Name + ".token": d.SinkCfg,
	} {
		if e, ok := cfg.(expirer); ok && !e.Expires().IsZero() {
			out[path] = e.Expires()
		}
	}
	return out
}
