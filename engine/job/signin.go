package job

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/connection/auth"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/secret/store"
)

// SignIn is the sign-in of a person that a pipeline file uses.
type SignIn struct {
	Name  string   // NAME of ${secret:NAME}
	Where []string // the layers that use it, as source.backstage.auth.0.oauth2

	file  *File
	layer connection.SignIn
}

// SignIns returns the sign-ins that the file uses, in the order of the file's parts. It is an
// error if two layers share a name but not the client.
func (f *File) SignIns() (out []SignIn, err error) {
	d := f.Definition
	add := func(part string, cfg any) {
		holder, can := cfg.(interface{ SignIns() []connection.SignIn })
		if !can {
			return
		}
		for _, layer := range holder.SignIns() {
			where, name := part+"."+layer.Layer, layer.RefreshToken.Stored()
			at := slices.IndexFunc(out, func(s SignIn) bool { return s.Name == name })
			if at < 0 {
				out = append(out, SignIn{name, []string{where}, f, layer})
				continue
			}
			first := out[at].layer
			if first.Issuer != layer.Issuer || first.TokenURL != layer.TokenURL || first.ClientID != layer.ClientID {
				err = &fault.Invalid{Remedy: "give one of them a ${secret:NAME} of its own",
					Reason: fmt.Sprintf("%s and %s share the sign-in %s, but not the client and the identity provider",
						out[at].Where[0], where, name)}
			}
			out[at].Where = append(out[at].Where, where)
		}
	}
	add("source."+d.Source.Name, d.SourceCfg)
	add("sink."+d.Sink.Name, d.SinkCfg)
	if d.Notify != nil {
		add("notify.webhook", &d.Notify.Webhook)
	}
	return out, err
}

// Start asks the identity provider for a code, once it is certain that the sign-in could be
// stored.
func (s SignIn) Start(ctx context.Context) (*auth.Device, error) {
	place, _, err := s.store()
	if err != nil {
		return nil, err
	}
	if err := place.Rewrite(); err != nil {
		return nil, err
	}
	settings := s.file.Settings()
	return s.layer.Start(ctx, connection.Settings{UserAgent: settings.UserAgent, Log: settings.Log,
		Redactor: s.file.o.Secrets})
}

// Provider is the origin of the identity provider, as the file names it; "" when it is not known.
func (s SignIn) Provider() string {
	origin, _ := s.layer.Provider()
	return origin
}

// Store stores a sign-in, for the token endpoint alone, and returns the path of the store.
func (s SignIn) Store(in auth.SignedIn) (store.Entry, string, error) {
	place, key, err := s.store()
	if err != nil {
		return store.Entry{}, "", err
	}
	entry, err := place.Set(key, in.RefreshToken, []string{in.Origin}, false)
	return entry, place.Path(), err
}

func (s SignIn) store() (*store.Store, string, error) {
	d := s.file.Definition
	return d.Secrets.Stored(s.Name, filepath.Dir(d.Document.File()))
}
