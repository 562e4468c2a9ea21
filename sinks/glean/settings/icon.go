package settings

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"image/png"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/pipe-engine/pipe/engine/config"
)

// maxIcon is the largest size of an icon file. Glean documents no limit; a larger file is
// not an icon.
const maxIcon = 256 << 10

// The types that an icon may have, and how a file of each ends.
const (
	TypeSVG = "image/svg+xml"
	TypePNG = "image/png"
)

// badIcon describes what is wrong with an icon. Its texts quote nothing of the file.
type badIcon struct{ message, hint string }

func (b *badIcon) Error() string { return b.message }

// Icon returns the icon in the form sent to Glean: an address unchanged, a file as a data
// URL, and "" for "". Its error is a *badIcon.
func Icon(text string) (string, error) {
	if path, named := config.FileNamed(text); named {
		data, err := readIcon(path)
		if err != nil {
			return "", err
		}
		mime, err := iconType(data)
		if err != nil {
			return "", err
		}
		return "data:" + mime + ";base64," + base64.StdEncoding.EncodeToString(data), nil
	}
	if strings.HasPrefix(text, "data:") {
		_, _, err := IconData(text)
		return text, err
	}
	if u, err := url.Parse(text); text != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "") {
		return "", &badIcon{"neither an address nor a file",
			"write https://… for an icon that Glean can fetch, or ${file:PATH} for a file, from the folder of the pipeline file"}
	}
	return text, nil
}

// readIcon reads a regular file: opening a named pipe would wait for its other end.
func readIcon(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return nil, &badIcon{"the icon's file is not a regular file", "name a file of SVG or PNG"}
	}
	var f *os.File
	if err == nil {
		f, err = os.Open(path)
	}
	if err == nil {
		defer f.Close()
		var data []byte
		if data, err = io.ReadAll(io.LimitReader(f, maxIcon+1)); err == nil && len(data) > maxIcon {
			return nil, &badIcon{fmt.Sprintf("the icon's file is larger than %v", config.Bytes(maxIcon)),
				"an icon is a few KiB; make it smaller, or give its address"}
		}
		if err == nil {
			return data, nil
		}
	}
	var why *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &badIcon{"the icon's file does not exist", "a relative path starts from the folder of the pipeline file"}
	case errors.As(err, &why):
		return nil, &badIcon{"the icon's file cannot be read: " + why.Err.Error(), "name a file of SVG or PNG"}
	}
	return nil, &badIcon{"the icon's file cannot be read", "name a file of SVG or PNG"}
}

// iconType returns the type of an image by its content.
func iconType(data []byte) (string, error) {
	if bytes.HasPrefix(data, []byte("\x89PNG")) {
		return TypePNG, checkPNG(data)
	}
	root, err := rootElement(data)
	switch {
	case root == (xml.Name{Space: "http://www.w3.org/2000/svg", Local: "svg"}) && err == nil:
		return TypeSVG, nil
	case root.Local == "svg" && err != nil:
		message := "the icon is an SVG that cannot be parsed"
		if at := (*xml.SyntaxError)(nil); errors.As(err, &at) {
			message += fmt.Sprintf(", see its line %d", at.Line)
		}
		return "", &badIcon{message, "export it again"}
	case root.Local == "svg":
		return "", &badIcon{"the icon's svg element has no namespace, so browsers do not show it",
			`add xmlns="http://www.w3.org/2000/svg" to it`}
	}
	return "", &badIcon{"the icon is " + http.DetectContentType(data) + " by its content, but Glean accepts SVG " +
		"and PNG",
		"convert it to one of them; Glean prefers SVG"}
}

// maxPixels limits the size of a PNG, and so the cost of decoding one.
const maxPixels = 2048 * 2048

func checkPNG(data []byte) error {
	c, err := png.DecodeConfig(bytes.NewReader(data))
	if err == nil && c.Width*c.Height > maxPixels {
		return &badIcon{fmt.Sprintf("the icon is %d × %d pixels", c.Width, c.Height),
			"icons are shown small; 256 × 256 is enough"}
	}
	if err == nil {
		_, err = png.Decode(bytes.NewReader(data))
	}
	if err != nil {
		return &badIcon{"the icon is a PNG that cannot be decoded", "export it again"}
	}
	return nil
}

// rootElement returns the name of the first element; the error is about the whole text.
func rootElement(data []byte) (root xml.Name, err error) {
	dec := xml.NewDecoder(bytes.NewReader(data))
	dec.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	for {
		t, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return root, nil
		}
		if err != nil {
			return root, err
		}
		if e, ok := t.(xml.StartElement); ok && root.Local == "" {
			root = e.Name
		}
	}
}

// IconData returns the content and type of an icon's data URL.
func IconData(dataURL string) (mime string, data []byte, err error) {
	head, text, ok := strings.Cut(strings.TrimPrefix(dataURL, "data:"), ",")
	if !ok || !strings.HasSuffix(head, ";base64") {
		return "", nil, &badIcon{"this data URL is not in base64", "write ${file:PATH}; pipe then makes the data URL"}
	}
	if data, err = base64.StdEncoding.DecodeString(text); err != nil {
		return "", nil, &badIcon{"the base64 of this data URL cannot be decoded",
			"write ${file:PATH}; pipe then makes the data URL"}
	}
	mime, err = iconType(data)
	return mime, data, err
}

// DescribeIcon describes an icon for people: its type, its size and a part of its hash.
func DescribeIcon(mime string, data []byte) string {
	sum := sha256.Sum256(data)
	return fmt.Sprintf("%s of %d bytes (sha256 %x)", mime, len(data), sum[:4])
}
