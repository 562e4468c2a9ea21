package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/log"
	sqliteplugin "go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/schema/sqlite"
	"go.temporal.io/server/temporal"
)

const loopback = "127.0.0.1"

type settings struct {
	file      string
	port      int
	namespace string
	keywords  []string
}

// newServer makes a server as go.temporal.io/server/temporaltest makes its own, with a file in
// place of a database in memory.
func newServer(s settings) (temporal.Server, string, error) {
	ports, err := freePorts(8)
	if err != nil {
		return nil, "", err
	}
	if s.port != 0 {
		ports[0] = s.port
	}
	c := configuration(s.file, ports)
	if err := prepare(c, s); err != nil {
		return nil, "", err
	}
	quiet := log.NewZapLogger(log.BuildZapLogger(log.Config{Level: "error"}))
	claims, err := authorization.GetClaimMapperFromConfig(&c.Global.Authorization, quiet)
	if err != nil {
		return nil, "", fmt.Errorf("claim mapper: %w", err)
	}
	server, err := temporal.NewServer(
		temporal.WithConfig(c),
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithLogger(quiet),
		temporal.WithAuthorizer(authorization.NewNoopAuthorizer()),
		temporal.WithClaimMapper(func(*config.Config) authorization.ClaimMapper { return claims }),
		temporal.WithDynamicConfigClient(dynamicconfig.StaticClient{
			dynamicconfig.ForceSearchAttributesCacheRefreshOnRead.Key(): []dynamicconfig.ConstrainedValue{{Value: true}},
		}),
	)
	if err != nil {
		return nil, "", fmt.Errorf("make: %w", err)
	}
	return server, c.PublicClient.HostPort, nil
}

// prepare makes the tables of a new file, and the namespace.
func prepare(c *config.Config, s settings) error {
	db := c.Persistence.DataStores[sqliteplugin.PluginName].SQL
	if _, err := os.Stat(s.file); errors.Is(err, os.ErrNotExist) {
		if err := sqlite.SetupSchema(db); err != nil {
			return fmt.Errorf("tables of %s: %w", s.file, err)
		}
	}
	attributes := map[string]enumspb.IndexedValueType{}
	for _, name := range s.keywords {
		attributes[name] = enumspb.INDEXED_VALUE_TYPE_KEYWORD
	}
	n, err := sqlite.NewNamespaceConfig(c.ClusterMetadata.CurrentClusterName, s.namespace, false, attributes)
	if err == nil {
		err = sqlite.CreateNamespaces(db, n)
	}
	if err != nil {
		return fmt.Errorf("namespace %s: %w", s.namespace, err)
	}
	return nil
}

// configuration uses ports[0] for the frontend, and the others for what only the server asks.
func configuration(file string, ports []int) *config.Config {
	address := net.JoinHostPort(loopback, strconv.Itoa(ports[0]))
	service := func(i int) config.Service {
		return config.Service{RPC: config.RPC{GRPCPort: ports[i], MembershipPort: ports[i+4], BindOnIP: loopback}}
	}
	return &config.Config{
		Global: config.Global{
			Membership: config.Membership{MaxJoinDuration: 30 * time.Second, BroadcastAddress: loopback},
		},
		Persistence: config.Persistence{
			DefaultStore:     sqliteplugin.PluginName,
			VisibilityStore:  sqliteplugin.PluginName,
			NumHistoryShards: 1,
			DataStores: map[string]config.DataStore{sqliteplugin.PluginName: {SQL: &config.SQL{
				PluginName:        sqliteplugin.PluginName,
				DatabaseName:      file,
				ConnectAttributes: map[string]string{"mode": "rwc", "_journal_mode": "wal", "_synchronous": "normal"},
			}}},
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10,
			MasterClusterName:        "active",
			CurrentClusterName:       "active",
			ClusterInformation: map[string]cluster.ClusterInformation{
				"active": {Enabled: true, InitialFailoverVersion: 1, RPCAddress: address},
			},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		Services: map[string]config.Service{
			"frontend": service(0), "history": service(1), "matching": service(2), "worker": service(3),
		},
		Archival: config.Archival{
			History:    config.HistoryArchival{State: "disabled"},
			Visibility: config.VisibilityArchival{State: "disabled"},
		},
		PublicClient: config.PublicClient{HostPort: address},
		NamespaceDefaults: config.NamespaceDefaults{Archival: config.ArchivalNamespaceDefaults{
			History:    config.HistoryArchivalNamespaceDefaults{State: "disabled"},
			Visibility: config.VisibilityArchivalNamespaceDefaults{State: "disabled"},
		}},
	}
}

// freePorts returns n different ports of loopback that are free now.
func freePorts(n int) ([]int, error) {
	ports := make([]int, n)
	for i := range ports {
		l, err := net.Listen("tcp", net.JoinHostPort(loopback, "0"))
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer func() { _ = l.Close() }()
		ports[i] = l.Addr().(*net.TCPAddr).Port
	}
	return ports, nil
}
