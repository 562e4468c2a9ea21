package techdocs

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/pipe-engine/pipe/sources/backstage/ref"
)

// Prefix begins the ref of a page: techdocs:namespace/kind/name/path.
const Prefix = "techdocs"

// maxRef is the maximum length of a ref, in characters: refs are ids of documents, and Glean
// accepts no longer ones.
const maxRef = 200

// maxReadable is how much of a path remains readable in a ref that has a hash.
const maxReadable = 40

// Ref returns the ref of a page of an entity. Refs have no case and a limited length. A path that
// has upper case, or is too long, is replaced with its beginning and a hash of all of it.
func Ref(entity, path string) string {
	kind, namespace, name, _ := ref.Split(strings.ToLower(entity))
	site := Prefix + ":" + namespace + "/" + kind + "/" + name + "/"
	plain := strings.ToLower(path)
	if plain == path && strings.TrimSpace(path) == path && !strings.Contains(path, "~") &&
		utf8.RuneCountInString(site+path) <= maxRef {
		return site + path
	}
	readable := []rune(strings.ReplaceAll(strings.TrimSpace(plain), "~", "-"))
	hash := fmt.Sprintf("~%.8x", sha256.Sum256([]byte(path)))
	room := min(maxReadable, maxRef-len(hash)-utf8.RuneCountInString(site))
	return site + string(readable[:max(0, min(len(readable), room))]) + hash
}

// EntityOf returns the ref of the entity of a page; ok is false when a ref is not that of a page.
func EntityOf(page string) (entity string, ok bool) {
	rest, is := strings.CutPrefix(page, Prefix+":")
	parts := strings.SplitN(rest, "/", 4)
	if !is || len(parts) < 4 || parts[0] == "" || parts[1] == "" || parts[2] == "" {
		return "", false
	}
	return ref.New(parts[1], parts[0], parts[2]), true
}
