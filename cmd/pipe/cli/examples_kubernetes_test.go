package cli

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/config"
)

// kubernetes returns a file of the example.
func kubernetes(t *testing.T, name string) *config.Node {
	t.Helper()
	file := filepath.Join(examplesDir, "kubernetes", name)
	doc, problems := config.Parse(file, []byte(fileText(t, file)))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return doc.Root()
}

func below(n *config.Node, path string) *config.Node {
	for key := range strings.SplitSeq(path, ".") {
		n = n.Get(key)
	}
	return n
}

// TestKubernetesRun: one run at a time, nothing restarts it in place, and nothing connects to it.
func TestKubernetesRun(t *testing.T) {
	cronjob := kubernetes(t, "cronjob.yaml")
	job := below(cronjob, "spec.jobTemplate.spec")
	restricted(t, below(job, "template"), kubernetes(t, "networkpolicy.yaml"))
	if got := below(job, "template.spec.restartPolicy").Text(); got != "Never" {
		t.Errorf("restartPolicy is %q", got)
	}
	if got := below(cronjob, "spec.concurrencyPolicy").Text(); got != "Forbid" {
		t.Errorf("concurrencyPolicy is %q", got)
	}
	if below(kubernetes(t, "networkpolicy.yaml"), "spec.ingress") != nil {
		t.Error("the policy lets somebody in")
	}
}

// TestKubernetesServe: one server at a time uses the volume, its port is the one that the policy,
// the service and the probes name, and the monitor finds it.
func TestKubernetesServe(t *testing.T) {
	deployment := kubernetes(t, "serve/deployment.yaml")
	policy, service := kubernetes(t, "serve/networkpolicy.yaml"), kubernetes(t, "serve/service.yaml")
	restricted(t, below(deployment, "spec.template"), policy)
	container := below(deployment, "spec.template.spec.containers").Items()[0]
	port := below(container, "ports").Items()[0]
	endpoint := below(kubernetes(t, "serve/servicemonitor.yaml"), "spec.endpoints").Items()[0]
	label := below(deployment, "spec.template.metadata.labels").Get("app.kubernetes.io/name").Text()
	for _, tc := range []struct{ what, got, want string }{
		{"replicas", below(deployment, "spec.replicas").Text(), "1"},
		{"strategy", below(deployment, "spec.strategy.type").Text(), "Recreate"},
		{"the selector", below(deployment, "spec.selector.matchLabels").Get("app.kubernetes.io/name").Text(), label},
		{"the service's selector", below(service, "spec.selector").Get("app.kubernetes.io/name").Text(), label},
		{"the monitor's selector", below(kubernetes(t, "serve/servicemonitor.yaml"),
			"spec.selector.matchLabels").Get("app.kubernetes.io/name").Text(),
			below(service, "metadata.labels").Get("app.kubernetes.io/name").Text()},
		{"the monitor's port", endpoint.Get("port").Text(), below(service, "spec.ports").Items()[0].Get("name").Text()},
		{"the monitor's path", endpoint.Get("path").Text(), "/metrics"},
		{"the service's port", below(service, "spec.ports").Items()[0].Get("targetPort").Text(), port.Get("name").Text()},
		{"the policy's port", below(below(policy, "spec.ingress").Items()[0], "ports").Items()[0].Get("port").Text(),
			port.Get("containerPort").Text()},
		{"liveness", below(container, "livenessProbe.httpGet.path").Text(), "/healthz"},
		{"readiness", below(container, "readinessProbe.httpGet.path").Text(), "/readyz"},
	} {
		if tc.got != tc.want || tc.got == "" {
			t.Errorf("%s is %q, want %q", tc.what, tc.got, tc.want)
		}
	}
	for _, probe := range []string{"startupProbe", "livenessProbe", "readinessProbe"} {
		get := below(container, probe+".httpGet")
		if get.Get("port").Text() != port.Get("name").Text() || get.Get("scheme").Text() != "HTTPS" {
			t.Errorf("%s does not reach the server", probe)
		}
	}
	var words []string
	for _, word := range container.Get("command").Items() {
		words = append(words, word.Text())
	}
	listen := " --listen $(POD_IP):" + port.Get("containerPort").Text() + " "
	if call := strings.Join(words, " "); !strings.Contains(call, listen) || !strings.Contains(call, " --tls-cert ") {
		t.Errorf("the call is %s", call)
	}
	names := map[string]string{}
	for _, v := range below(deployment, "spec.template.spec.volumes").Items() {
		names[v.Get("name").Text()] = below(v, "secret.secretName").Text()
	}
	if got := below(endpoint, "tlsConfig.ca.secret.name").Text(); got != names["tls"] {
		t.Errorf("the monitor trusts %q", got)
	}
}

// restricted checks that a pod satisfies the pod security standard "restricted", has no secret in
// its environment, and is found by the network policy.
func restricted(t *testing.T, template, policy *config.Node) {
	t.Helper()
	pod := below(template, "spec")
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
		{containers[0], "securityContext.allowPrivilegeEscalation", "false"},
		{containers[0], "securityContext.readOnlyRootFilesystem", "true"},
	} {
		if got := below(tc.in, tc.path).Text(); got != tc.want {
			t.Errorf("%s is %q, want %q", tc.path, got, tc.want)
		}
	}
	drop := below(containers[0], "securityContext.capabilities.drop").Items()
	if len(drop) != 1 || drop[0].Text() != "ALL" {
		t.Error("not all capabilities are dropped")
	}
	if below(containers[0], "securityContext.capabilities.add") != nil {
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
	for _, env := range containers[0].Get("env").Items() {
		if below(env, "valueFrom.secretKeyRef") != nil {
			t.Error("a secret is in the environment")
		}
	}
	label := below(template, "metadata.labels").Get("app.kubernetes.io/name").Text()
	if selected := below(policy, "spec.podSelector.matchLabels").Get("app.kubernetes.io/name").Text(); label == "" ||
		selected != label {
		t.Errorf("the policy selects %q, the pod is %q", selected, label)
	}
}
