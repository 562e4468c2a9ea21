package techdocs

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
)

// Metadata is the description of a build (techdocs_metadata.json).
type Metadata struct {
	Name        string `json:"site_name"`
	Description string `json:"site_description"`
	ETag        string `json:"etag"`
	// Built is when the site was built, in milliseconds since 1970.
	Built float64  `json:"build_timestamp"`
	Files []string `json:"files"`
}

// maxMetadata is the maximum size of the metadata: it lists all files of a site.
const maxMetadata = 8 << 20

// ReadMetadata reads the metadata of a build.
func ReadMetadata(r io.Reader) (Metadata, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxMetadata))
	if err != nil {
		return Metadata{}, err
	}
	var m Metadata
	if err := codec.Unmarshal(b, &m); err != nil {
		return Metadata{}, fmt.Errorf("the metadata of the site cannot be read: %w", err)
	}
	return m, nil
}

// Mark identifies the build; "" when the metadata does not.
func (m Metadata) Mark() string {
	if m.ETag == "" && m.Built == 0 {
		return ""
	}
	return fmt.Sprintf("%s@%.0f", m.ETag, m.Built)
}

// Updated returns when the site was built; zero when it is not known.
func (m Metadata) Updated() time.Time {
	if m.Built <= 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(m.Built)).UTC()
}

// Pages returns the paths of the files that are pages.
func (m Metadata) Pages() []string {
	var out []string
	for _, file := range m.Files {
		path, _, ok := clean(file)
		if !ok || !strings.HasSuffix(path, ".html") || path == "404.html" || path == "search.html" {
			continue
		}
		out = append(out, path)
	}
	return out
}
