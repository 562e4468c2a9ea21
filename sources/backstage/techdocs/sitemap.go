package techdocs

import (
	"encoding/xml"
	"errors"
	"io"
	"net/url"
	"strings"
)

// ReadSitemap returns the paths of the pages in a site map (sitemap.xml) below the address of its
// first page, at most the given number; none when the site has no address of its own. It is an error
// when a page is not below the first one: then the address of the site is not known.
func ReadSitemap(r io.Reader, most int) ([]string, error) {
	d := xml.NewDecoder(r)
	var all []string
	for in := false; ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return below(all)
		}
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			in = t.Name.Local == "loc"
		case xml.EndElement:
			in = false
		case xml.CharData:
			u, err := url.Parse(strings.TrimSpace(string(t)))
			if in && err == nil && u.Path != "" && u.Path != "None" && len(all) < most {
				all = append(all, u.Path)
			}
		}
	}
}

// below returns the paths relative to the shortest one, which is that of the site.
func below(all []string) ([]string, error) {
	var root *string
	for i, path := range all {
		if strings.HasSuffix(path, "/") && (root == nil || len(path) < len(*root)) {
			root = &all[i]
		}
	}
	if root == nil {
		return nil, nil
	}
	var out []string
	for _, path := range all {
		rest, is := strings.CutPrefix(path, *root)
		if !is {
			return nil, errors.New("the site map has no home page, so the addresses of its pages are not known")
		}
		out = append(out, rest)
	}
	return out, nil
}
