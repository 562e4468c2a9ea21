// Package placeholder resolves the placeholders of entities in catalog files ($text, $json,
// $yaml, $openapi and $asyncapi), as Backstage does when it reads such a file. It reads only
// regular files below the folder of that file, following links, and never makes a request; a
// reference that it does not resolve becomes a text about that.
//
// Unlike Backstage, it does not bundle the references within an $openapi document.
package placeholder
