package cli

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/config"
)

// TestKubernetesRestricted: the pod satisfies the pod security standard "restricted", has
// no secret in its environment, and is found by the network policy.
func TestKubernetesRestricted(t *testing.T) {
	kubernetes := func(name string) *config.Node {
		file := filepath.Join(examplesDir, "kubernetes", name)
		doc, problems := config.Parse(file, []byte(fileText(t, file)))
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		return doc.Root()
	}
	at := func(n *config.Node, path string) *config.Node {
		for key := range strings.SplitSeq(path, ".") {
			n = n.Get(key)
		}
		return n
	}
	job := at(kubernetes("cronjob.yaml"), "spec.jobTemplate.spec")
	pod := at(job, "template.spec")
	containers := pod.Get("containers").Items()
	if len(containers) != 1 {
		t.Fatalf("%d containers", len(containers))
	}
	for _, tc := range []struct {
		in         *config.Node
		path, want string
	}{
		{pod, "securityContext.runAsNonRoot", "true"},
		{pod, "securityContext.seccompProfile.type", "RuntimeDefault"},
		{pod, "automountServiceAccountToken", "false"},
		{pod, "restartPolicy", "Never"},
		{containers[0], "securityContext.allowPrivilegeEscalation", "false"},
		{containers[0], "securityContext.readOnlyRootFilesystem", "true"},
		{kubernetes("cronjob.yaml"), "spec.concurrencyPolicy", "Forbid"},
	} {
		if got := at(tc.in, tc.path).Text(); got != tc.want {
			t.Errorf("%s is %q, want %q", tc.path, got, tc.want)
		}
	}
	if drop := at(containers[0], "securityContext.capabilities.drop").Items(); len(drop) != 1 || drop[0].Text() != "ALL" {
		t.Error("not all capabilities are dropped")
	}
	if at(containers[0], "securityContext.capabilities.add") != nil {
		t.Error("a capability is added")
	}
	for _, key := range []string{"hostNetwork", "hostPID", "hostIPC"} {
		if pod.Get(key) != nil {
			t.Errorf("the pod has %s", key)
		}
	}
	for _, volume := range pod.Get("volumes").Items() {
		for _, e := range volume.Entries() {
			switch e.Key {
			case "name", "configMap", "emptyDir", "persistentVolumeClaim", "secret":
			default:
				t.Errorf("restricted has no volume of %s", e.Key)
			}
		}
	}
	for _, from := range containers[0].Get("envFrom").Items() {
		if from.Get("secretRef") != nil {
			t.Error("a secret is in the environment")
		}
	}
	label := at(job, "template.metadata.labels").Get("app.kubernetes.io/name").Text()
	policy := kubernetes("networkpolicy.yaml")
	if selected := at(policy, "spec.podSelector.matchLabels").Get("app.kubernetes.io/name").Text(); label == "" ||
		selected != label {
		t.Errorf("the policy selects %q, the pod is %q", selected, label)
	}
	if at(policy, "spec.ingress") != nil {
		t.Error("the policy lets somebody in")
	}
}
