package contract

import "testing"

func TestRequest(t *testing.T) {
	s := FromEnv(t)
	for name, tc := range map[string]struct {
		path, contentType, body string
		ok                      bool
	}{
		"good": {"/api/index/v1/bulkindexdocuments", "application/json",
			`{"uploadId":"u","datasource":"d","documents":[]}`, true},
		"charset": {"/api/index/v1/bulkindexdocuments", "application/json; charset=UTF-8",
			`{"uploadId":"u","datasource":"d","documents":[]}`, true},
		"null list": {"/api/index/v1/bulkindexdocuments", "application/json",
			`{"uploadId":"u","datasource":"d","documents":null}`, false},
		"no upload id": {"/api/index/v1/bulkindexdocuments", "application/json", `{"datasource":"d","documents":[]}`,
			false},
		"text": {"/api/index/v1/bulkindexdocuments", "text/plain",
			`{"uploadId":"u","datasource":"d","documents":[]}`, false},
		"no such path": {"/api/index/v1/bulkindexdocs", "application/json", `{}`, false},
		"no body":      {"/api/index/v1/debug/d/status", "", ``, true},
		"wrong type deep": {"/api/index/v1/bulkindexdocuments", "application/json",
			`{"uploadId":"u","datasource":"d","documents":[{"datasource":"d","updatedAt":"2026"}]}`, false},
	} {
		if err := s.Request("POST", tc.path, tc.contentType, []byte(tc.body)); (err == nil) != tc.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestResponse(t *testing.T) {
	s := FromEnv(t)
	for name, tc := range map[string]struct {
		path   string
		status int
		body   string
		ok     bool
	}{
		"good":                {"/api/index/v1/checkdocumentaccess", 200, `{"hasAccess":true}`, true},
		"wrong type":          {"/api/index/v1/checkdocumentaccess", 200, `{"hasAccess":"yes"}`, false},
		"undocumented status": {"/api/index/v1/checkdocumentaccess", 418, ``, false},
		"history is a list":   {"/api/index/v1/debug/d/status", 200, `{"documents":{"bulkUploadHistory":[]}}`, true},
		"unknown state": {"/api/index/v1/debug/d/status", 200,
			`{"documents":{"bulkUploadHistory":[{"processingState":"DONE"}]}}`, false},
	} {
		if err := s.Response("POST", tc.path, tc.status, "application/json", []byte(tc.body)); (err == nil) != tc.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
