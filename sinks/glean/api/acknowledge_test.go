package api

import (
	"net/http"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/fault"
)

func TestAcknowledged(t *testing.T) {
	for _, body := range []string{"", " ", "\r\n\t ", "{}", " {} \n", `{"success":true}`, `{"uploadId":"a"}`,
		`{"success":true,"result":{"error":"nested"}}`} {
		if err := Acknowledged(http.StatusOK, []byte(body)); err != nil {
			t.Errorf("%q: %v", body, err)
		}
	}
	for _, tc := range []struct {
		status int
		body   string
		class  fault.Class
		says   string
	}{
		{201, "", fault.Permanent, "only 200"},
		{202, "", fault.Permanent, "only 200"},
		{202, "{}", fault.Permanent, "only 200"},
		{203, "", fault.Permanent, "only 200"},
		{204, "", fault.Permanent, "only 200"},
		{206, `{"success":true}`, fault.Permanent, "only 200"},
		{200, "OK", fault.Permanent, "not a JSON object"},
		{200, "<html>", fault.Permanent, "not a JSON object"},
		{200, "\ufeff{}", fault.Permanent, "not a JSON object"},
		{200, "\x00", fault.Permanent, "not a JSON object"},
		{200, "[]", fault.Permanent, "not a JSON object"},
		{200, "[{}]", fault.Permanent, "not a JSON object"},
		{200, "null", fault.Permanent, "not a JSON object"},
		{200, "true", fault.Permanent, "not a JSON object"},
		{200, `"OK"`, fault.Permanent, "not a JSON object"},
		{200, `{"error":"no"}`, fault.Permanent, "`error`"},
		{200, `{"error":null}`, fault.Permanent, "`error`"},
		{200, `{"Error":"no"}`, fault.Permanent, "`error`"},
		{200, `{"errors":[]}`, fault.Permanent, "`errors`"},
		{200, `{"message":""}`, fault.Permanent, "`message`"},
		{200, `{"detail":"no"}`, fault.Permanent, "`detail`"},
		{200, `{"code":0}`, fault.Permanent, "`code`"},
		{200, `{"status":"ok"}`, fault.Permanent, "`status`"},
		{200, `{"success":false}`, fault.Permanent, "`success`"},
		{200, `{"success":"true"}`, fault.Permanent, "`success`"},
		{200, `{"success":1}`, fault.Permanent, "`success`"},
		{200, `{"success":null}`, fault.Permanent, "`success`"},
		{200, `{"SUCCESS":false}`, fault.Permanent, "`success`"},
		{200, `{`, fault.Transient, "ends early"},
		{200, `{"success":tr`, fault.Transient, "ends early"},
		{200, `{"a":{"b":1}`, fault.Transient, "ends early"},
		{200, `{"a":1,"a":1}`, fault.Permanent, "repeats a name"},
		{200, `{"a":{"b":1,"b":2}}`, fault.Permanent, "repeats a name"},
		{200, `{} OK`, fault.Permanent, "followed by something else"},
		{200, `{}{}`, fault.Permanent, "followed by something else"},
		{200, `{"a":1,}`, fault.Permanent, "malformed"},
		{200, `{a:1}`, fault.Permanent, "malformed"},
		{200, "{\"a\":\"\xff\"}", fault.Permanent, "malformed"},
	} {
		err := Acknowledged(tc.status, []byte(tc.body))
		if err == nil || fault.ClassOf(err) != tc.class || !strings.Contains(err.Error(), tc.says) ||
			fault.RemedyOf(err) == "" {
			t.Errorf("%d %q: %v (%v)", tc.status, tc.body, err, fault.ClassOf(err))
		}
	}
}
