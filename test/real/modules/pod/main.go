// Command pod does inside a pod's network namespace what its init containers and its application do.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"strconv"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

func main() {
	commands := map[string]func([]string) error{"redirect": redirect, "capture": capture, "listen": listen}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: pod redirect TO EXCEPT… | pod capture USER TO DNS EXCEPT… | pod listen PORT…")
		os.Exit(2)
	}
	if err := commands[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// redirect sends every TCP connection that comes from outside to port TO, but for those to the ports that are excepted: what istio-init
// does for inbound traffic.
func redirect(args []string) error {
	ports, err := numbers(args)
	if err != nil || len(ports) == 0 {
		return fmt.Errorf("usage: pod redirect TO EXCEPT…")
	}
	connection, err := nftables.New()
	if err != nil {
		return err
	}
	table := connection.AddTable(&nftables.Table{Family: nftables.TableFamilyIPv4, Name: "istio"})
	chain := connection.AddChain(&nftables.Chain{
		Name: "inbound", Table: table, Type: nftables.ChainTypeNAT, Hooknum: nftables.ChainHookPrerouting, Priority: nftables.ChainPriorityNATDest,
	})
	for _, port := range ports[1:] {
		connection.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: joined(toPort(unix.IPPROTO_TCP, port), accept)})
	}
	connection.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: joined(protocol(unix.IPPROTO_TCP), redirected(ports[0]))})
	return connection.Flush()
}

// capture sends every TCP connection that a user opens to port TO, but for those to the ports that are excepted, and its questions to a
// DNS to port DNS unless that is 0: what istio-init does for outbound traffic of everybody but the proxy.
func capture(args []string) error {
	usage := fmt.Errorf("usage: pod capture USER TO DNS EXCEPT…")
	if len(args) < 3 {
		return usage
	}
	user, err := strconv.ParseUint(args[0], 10, 32)
	if err != nil {
		return usage
	}
	ports, err := numbers(args[1:])
	if err != nil {
		return usage
	}
	connection, err := nftables.New()
	if err != nil {
		return err
	}
	table := connection.AddTable(&nftables.Table{Family: nftables.TableFamilyIPv4, Name: "istio-outbound"})
	chain := connection.AddChain(&nftables.Chain{
		Name: "outbound", Table: table, Type: nftables.ChainTypeNAT, Hooknum: nftables.ChainHookOutput, Priority: nftables.ChainPriorityNATDest,
	})
	others := []expr.Any{
		&expr.Meta{Key: expr.MetaKeySKUID, Register: 1},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: binaryutil.NativeEndian.PutUint32(uint32(user))},
	}
	loopback := []expr.Any{
		&expr.Meta{Key: expr.MetaKeyOIFNAME, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte("lo\x00")},
	}
	rules := [][]expr.Any{joined(others, accept)}
	if ports[1] != 0 {
		rules = append(rules,
			joined(toPort(unix.IPPROTO_UDP, 53), redirected(ports[1])),
			joined(toPort(unix.IPPROTO_TCP, 53), redirected(ports[1])))
	}
	rules = append(rules, joined(loopback, accept))
	for _, port := range ports[2:] {
		rules = append(rules, joined(toPort(unix.IPPROTO_TCP, port), accept))
	}
	rules = append(rules, joined(protocol(unix.IPPROTO_TCP), redirected(ports[0])))
	for _, rule := range rules {
		connection.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: rule})
	}
	return connection.Flush()
}

var accept = []expr.Any{&expr.Verdict{Kind: expr.VerdictAccept}}

func protocol(number byte) []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{number}},
	}
}

func toPort(of byte, port uint16) []expr.Any {
	return joined(protocol(of), []expr.Any{
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: binaryutil.BigEndian.PutUint16(port)},
	})
}

func redirected(port uint16) []expr.Any {
	return []expr.Any{
		&expr.Immediate{Register: 1, Data: binaryutil.BigEndian.PutUint16(port)},
		&expr.Redir{RegisterProtoMin: 1, RegisterProtoMax: 1},
	}
}

func joined(parts ...[]expr.Any) []expr.Any {
	var all []expr.Any
	for _, part := range parts {
		all = append(all, part...)
	}
	return all
}

// listen answers on every port given what it is sent: the application of a pod.
func listen(args []string) error {
	ports, err := numbers(args)
	if err != nil {
		return err
	}
	failures := make(chan error)
	for _, port := range ports {
		listener, err := net.Listen("tcp4", fmt.Sprintf(":%d", port))
		if err != nil {
			return err
		}
		go func() {
			for {
				connection, err := listener.Accept()
				if err != nil {
					failures <- err
					return
				}
				go func() {
					defer connection.Close()
					_, _ = io.Copy(connection, connection)
				}()
			}
		}()
	}
	return <-failures
}

func numbers(args []string) ([]uint16, error) {
	ports := make([]uint16, 0, len(args))
	for _, arg := range args {
		port, err := strconv.ParseUint(arg, 10, 16)
		if err != nil {
			return nil, fmt.Errorf("%q is not a port", arg)
		}
		ports = append(ports, uint16(port))
	}
	return ports, nil
}
