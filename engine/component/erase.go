package component

import "context"

// Any returns the spec for a registry, where configurations have any type.
func (s SourceSpec[C]) Any() SourceSpec[any] {
	return SourceSpec[any]{
		Name: s.Name, Summary: s.Summary, Config: eraseConfig(s.Config), Address: erase(s.Address), Model: erase(s.Model),
		ModelKey: s.ModelKey, Open: eraseOpen(s.Open), OpenRecords: eraseOpenRecords(s.OpenRecords),
		Sandbox: eraseSandbox(s.Sandbox), AsPerson: s.AsPerson, Presets: s.Presets, Sample: s.Sample,
	}
}

// Any returns the spec for a registry, where configurations have any type.
func (s ModelSpec[C]) Any() ModelSpec[any] {
	return ModelSpec[any]{Name: s.Name, Summary: s.Summary, Config: eraseConfig(s.Config), Model: erase(s.Model)}
}

// Any returns the spec for a registry, where configurations have any type.
func (s SinkSpec[C]) Any() SinkSpec[any] {
	out := SinkSpec[any]{
		Name: s.Name, Summary: s.Summary, Config: eraseConfig(s.Config), Streams: erase(s.Streams),
		Address: erase(s.Address), Content: s.Content, Own: s.Own, PlaceName: erase(s.PlaceName),
		Open: eraseOpen(s.Open), Sandbox: eraseSandbox(s.Sandbox),
		Missing: erase(s.Missing),
	}
	if s.CheckMappings != nil {
		out.CheckMappings = func(cfg any, all []MappingFacts, b Builder) { s.CheckMappings(as[C](cfg), all, b) }
	}
	if s.Adopt != nil {
		out.Adopt = func(cfg any, uiURL string) { s.Adopt(as[C](cfg), uiURL) }
	}
	return out
}

// Any returns the spec for a registry, where configurations have any type.
func (s TransformSpec[C]) Any() TransformSpec[any] {
	return TransformSpec[any]{
		Key: s.Key, Summary: s.Summary, Config: eraseConfig(s.Config),
		New: func(cfg any, settings TransformSettings) Transform { return s.New(as[C](cfg), settings) },
	}
}

// Any returns the spec for a registry, where configurations have any type.
func (s MapperSpec[C]) Any() MapperSpec[any] {
	return MapperSpec[any]{
		Config: eraseConfig(s.Config),
		New: func(cfg any, settings MapperSettings) (Mapper, []MappingFacts) {
			return s.New(as[C](cfg), settings)
		},
	}
}

// Any returns the spec for a registry, where configurations have any type.
func (s DeciderSpec[C]) Any() DeciderSpec[any] {
	return DeciderSpec[any]{
		Config: eraseConfig(s.Config),
		New: func(cfg any, settings DeciderSettings) (Decider, []GrantFacts) {
			return s.New(as[C](cfg), settings)
		},
	}
}

// as returns a configuration with its type. It is the only place that does so: an erased spec
// is called only with the result of its own Config.
func as[C any](cfg any) C { return cfg.(C) }

func eraseConfig[C any](config func() C) func() any { return func() any { return config() } }

// erase returns nil for nil.
func erase[C, R any](f func(C) R) func(any) R {
	if f == nil {
		return nil
	}
	return func(cfg any) R { return f(as[C](cfg)) }
}

func eraseOpen[C, R any](open func(C, Settings) (R, error)) func(any, Settings) (R, error) {
	return func(cfg any, s Settings) (R, error) { return open(as[C](cfg), s) }
}

// openFunc opens a record store.
type openFunc[C any] = func(context.Context, C, Settings) (RecordStore, error)

// eraseOpenRecords returns nil for nil.
func eraseOpenRecords[C any](open openFunc[C]) openFunc[any] {
	if open == nil {
		return nil
	}
	return func(ctx context.Context, cfg any, s Settings) (RecordStore, error) { return open(ctx, as[C](cfg), s) }
}

// startFunc starts a sandbox server.
type startFunc[C any] = func(context.Context, C, SandboxOptions) (*Sandbox, error)

// eraseSandbox returns nil for nil.
func eraseSandbox[C any](start startFunc[C]) startFunc[any] {
	if start == nil {
		return nil
	}
	return func(ctx context.Context, cfg any, o SandboxOptions) (*Sandbox, error) {
		return start(ctx, as[C](cfg), o)
	}
}
