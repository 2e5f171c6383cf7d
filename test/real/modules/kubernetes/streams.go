package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/kubelet/pkg/cri/streaming/portforward"
)

// forwarder connects to a port of a pod from inside the pod's own network namespace, as a container runtime does: programs in the pod
// see a caller on loopback. The namespace is called CLUSTER.NAMESPACE.POD.
type forwarder struct{ cluster string }

func (f forwarder) PortForward(_ context.Context, pod string, _ types.UID, port int32, stream io.ReadWriteCloser) error {
	defer stream.Close()
	connection, err := dialInside("/run/netns/"+f.cluster+"."+pod, port)
	if err != nil {
		return fmt.Errorf("failed to connect to localhost:%d inside namespace of pod %s, IPv4: %w", port, pod, err)
	}
	defer connection.Close()
	done := make(chan struct{}, 2)
	go func() {
		_, _ = io.Copy(connection, stream)
		_ = connection.(*net.TCPConn).CloseWrite()
		done <- struct{}{}
	}()
	go func() {
		_, _ = io.Copy(stream, connection)
		done <- struct{}{}
	}()
	<-done
	return nil
}

// dialInside opens the socket on a thread of its own, which ends with its goroutine: a thread that has changed its namespace is not used again.
func dialInside(namespace string, port int32) (net.Conn, error) {
	type result struct {
		connection net.Conn
		err        error
	}
	results := make(chan result)
	go func() {
		runtime.LockOSThread()
		handle, err := os.Open(namespace)
		if err != nil {
			results <- result{nil, err}
			return
		}
		defer handle.Close()
		if err := unix.Setns(int(handle.Fd()), unix.CLONE_NEWNET); err != nil {
			results <- result{nil, err}
			return
		}
		connection, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
		results <- result{connection, err}
	}()
	r := <-results
	return r.connection, r.err
}

// sendLog sends what a container has written so far, which is in the folder of its pod. One that has not been started has no file.
func sendLog(w http.ResponseWriter, folder, namespace, pod, container string) {
	file, err := os.Open(filepath.Join(folder, namespace+"."+pod, container+".log"))
	if err != nil {
		http.Error(w, fmt.Sprintf("container %q in pod %q is waiting to start: PodInitializing", container, pod), http.StatusBadRequest)
		return
	}
	defer file.Close()
	w.Header().Set("Content-Type", "text/plain")
	_, _ = io.Copy(w, file)
}

// serveStreams answers the parts of the kubelet's API that port-forwarding and logs need: kubelet-streams CLUSTER ADDRESS PODS.
func serveStreams(args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("usage: kubelet-streams CLUSTER ADDRESS PODS")
	}
	certificate, err := selfSigned()
	if err != nil {
		return err
	}
	server := &http.Server{
		Addr:              args[1],
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
		TLSNextProto:      map[string]func(*http.Server, *tls.Conn, http.Handler){},
		ReadHeaderTimeout: 10 * time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			path := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
			if len(path) == 4 && path[0] == "containerLogs" {
				sendLog(w, args[2], path[1], path[2], path[3])
				return
			}
			if len(path) < 3 || path[0] != "portForward" {
				http.NotFound(w, r)
				return
			}
			options, err := portforward.NewV4Options(r)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			portforward.ServePortForward(w, r, forwarder{args[0]}, path[1]+"."+path[2], "", options, time.Hour, 30*time.Second, portforward.SupportedProtocols)
		}),
	}
	log.Printf("streams of %s on %s", args[0], args[1])
	return server.ListenAndServeTLS("", "")
}

// selfSigned makes the certificate of a kubelet that no authority has signed; API servers without one configured accept it.
func selfSigned() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(30 * 24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}
