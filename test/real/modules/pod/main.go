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
	commands := map[string]func([]string) error{"redirect": redirect, "listen": listen}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: pod redirect TO EXCEPT… | pod listen PORT…")
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
	tcp := []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{unix.IPPROTO_TCP}},
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
	}
	for _, port := range ports[1:] {
		connection.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: append(append([]expr.Any{}, tcp...),
			&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: binaryutil.BigEndian.PutUint16(port)},
			&expr.Verdict{Kind: expr.VerdictAccept},
		)})
	}
	connection.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: append(append([]expr.Any{}, tcp...),
		&expr.Immediate{Register: 1, Data: binaryutil.BigEndian.PutUint16(ports[0])},
		&expr.Redir{RegisterProtoMin: 1, RegisterProtoMax: 1},
	)})
	return connection.Flush()
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
