package e2e

import (
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/job"
)

// TestAudit: the ledger answers who could find a document and what a person could find,
// before and after it was hidden, and says what is wrong with a question.
func TestAudit(t *testing.T) {
	t.Parallel()
	w := night(t)
	const ref, rule = "component:default/fraud-scorer", "rule       private to its owners"
	w.pipe(t, "audit", "who", shipped, ref).expect(t, int(job.Done),
		"found by   2 people", "liam.obrien@larkspur.example", "through    group:default/payments", rule,
		"This is what the index had been told")
	w.pipe(t, "audit", "who", "--json", shipped, ref).expect(t, int(job.Done), `"audience": "listed"`, `"ines.carvalho@larkspur.example",`)
	w.pipe(t, "audit", "what", shipped, "Liam.OBrien@larkspur.example").expect(t, int(job.Done),
		ref, "through group:default/payments", "as a user of the datasource")
	w.pipe(t, "audit", "what", shipped, "someone@example.com").expect(t, int(job.Done),
		"0 documents", "no document and no group of the ledger names someone@example.com")

	before := time.Now()
	w.pipe(t, "hide", shipped, ref).expect(t, int(job.Done))
	w.pipe(t, "audit", "who", shipped, ref).expect(t, int(job.Done), "found by   nobody", "(hide ")
	w.pipe(t, "audit", "who", "--at", before.Format(time.RFC3339Nano), shipped, ref).expect(t, int(job.Done), "2 people")

	for _, wrong := range []struct {
		args []string
		says string
	}{
		{[]string{"audit", "who", shipped}, "takes a pipeline file and a ref"},
		{[]string{"audit", "who", "--at", "yesterday", shipped, ref}, "--at yesterday is no time"},
		{[]string{"audit", "who", "--state", t.TempDir(), shipped, ref}, "there is no audit ledger"},
	} {
		w.pipe(t, wrong.args...).expect(t, int(job.Wrong), wrong.says)
	}
	w.pipe(t, "audit", "who", "--at", "2020-01-01", shipped, ref).expect(t, int(job.Failed), "the audit ledger begins on")
	w.pipe(t, "audit", "who", shipped, "component:default/unknown").expect(t, int(job.Done), "had not been sent")
}
