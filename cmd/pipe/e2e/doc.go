// Package e2e tests the whole program: its command line in this process or in one of
// its own, against servers on this machine. It holds tests alone; each file is named
// for the command or the fault that it tests. What needs no server is tested in
// cmd/pipe/cli, next to its command.
//
// The harness:
//
//   - world_test.go: a world is a Backstage server, a Glean server that knows the
//     datasource, a state folder, and the environment that points the shipped pipeline
//     at them. w.pipe(t, "run", file) is one call in this process, and
//     expect(t, code, texts…) checks its exit code and output ("!text" must be absent).
//     Faults are injected with w.backstage.Fail and w.glean.Fail; w.index() is what
//     Glean holds afterwards.
//   - program_process_test.go: a program in a process of its own, to be signalled and
//     killed, and a gate that stops a server's answer at a chosen moment.
//   - child_process_test.go: the test binary as that program, as the servers, and as
//     plugins.
//   - operate_test.go: keeping, a world whose Glean keeps time, for what takes effect
//     later.
//   - company_model_test.go, index_content_test.go, record_accounting_test.go,
//     random_faults_test.go: a random company, what the index should hold of it, and
//     what a run must account for; the schedules of property_test.go and kill_test.go
//     are made of them.
//
// Tests own their ports and folders, so they run in parallel unless they change the
// working directory or measure the process.
package e2e
