package sandbox

import (
	"fmt"
	"io/fs"
	"maps"
	"mime"
	"net/http"
	"path"
	"strings"
)

// CompanySites are the files of the documentation of Company, by their path below
// /api/techdocs/static/docs/. There are three sites: one without a search index, and one of an
// entity that only its owners may see.
func CompanySites() map[string][]byte {
	const root = "company/sites/"
	out := map[string][]byte{}
	err := fs.WalkDir(company, strings.TrimSuffix(root, "/"), func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		out[strings.TrimPrefix(name, root)], err = company.ReadFile(name)
		return err
	})
	if err != nil { // the files are part of the program
		panic(fmt.Sprintf("read the sites of the company: %v", err))
	}
	return out
}

// SetFiles adds or replaces files of sites, by their paths as in Options.Sites; nil removes one.
func (s *Server) SetFiles(files map[string][]byte) {
	s.change.Lock()
	defer s.change.Unlock()
	next := maps.Clone(*s.sites.Load())
	if next == nil {
		next = map[string][]byte{}
	}
	for name, content := range files {
		if next[name] = content; content == nil {
			delete(next, name)
		}
	}
	s.sites.Store(&next)
}

// staticDocs serves files of sites as TechDocs does: addresses in lower case, and its own error
// for what is not there.
func (s *Server) staticDocs(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("path")
	parts := strings.SplitN(name, "/", 4)
	if len(parts) == 4 {
		if lower := strings.ToLower(strings.Join(parts[:3], "/")) + "/" + parts[3]; lower != name {
			http.Redirect(w, r, s.options.Prefix+"/api/techdocs/static/docs/"+lower, http.StatusMovedPermanently)
			return
		}
	}
	content, there := (*s.sites.Load())[name]
	if !there {
		problemFor(http.StatusNotFound).write(w, r)
		return
	}
	kind := mime.TypeByExtension(path.Ext(name))
	if kind == "" {
		kind = "application/octet-stream"
	}
	w.Header().Set("Content-Type", kind)
	_, _ = w.Write(content)
}
