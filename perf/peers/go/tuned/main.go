// The same load balancer as in ../as-written, with what section 4 of the report recommends and nothing else: no log line
// per request, a cleaned path, a transport with the settings that the report gives, and a health check every 10 seconds.
// The report's transport does not set MaxIdleConnsPerHost, which is 2: so it keeps two idle connections to each backend
// and opens the others anew. That stands in the report, so it stands here. With -keep it keeps as many as it is told, and
// lends buffers to copy bodies with: the two settings that a reverse proxy of Go's needs to do without waste.
package main

import (
	"flag"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path"
	"strings"
	"sync"
	"time"
)

type backend struct {
	url   *url.URL
	proxy *httputil.ReverseProxy

	mutex sync.Mutex
	alive bool
}

func (b *backend) isAlive() bool {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.alive
}

func (b *backend) setAlive(alive bool) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.alive = alive
}

type loadBalancer struct {
	backends []*backend

	mutex   sync.Mutex
	current int
}

// next is round robin over those that are alive.
func (lb *loadBalancer) next() *backend {
	lb.mutex.Lock()
	defer lb.mutex.Unlock()
	for range lb.backends {
		b := lb.backends[lb.current]
		lb.current = (lb.current + 1) % len(lb.backends)
		if b.isAlive() {
			return b
		}
	}
	return nil
}

func (lb *loadBalancer) balance(w http.ResponseWriter, r *http.Request) {
	b := lb.next()
	if b == nil {
		http.Error(w, "no healthy backend", http.StatusServiceUnavailable)
		return
	}
	b.proxy.ServeHTTP(w, r)
}

func (lb *loadBalancer) checkHealth(interval time.Duration) {
	client := &http.Client{Timeout: 2 * time.Second}
	for range time.Tick(interval) {
		for _, b := range lb.backends {
			response, err := client.Get(b.url.String())
			if err == nil {
				response.Body.Close()
			}
			b.setAlive(err == nil && response.StatusCode < 500)
		}
	}
}

// bufferBytes is how much httputil.ReverseProxy copies at a time, with a buffer of its own for each answer unless it is
// lent one.
const bufferBytes = 32 * 1024

type bufferPool struct{ pool sync.Pool }

// The pool holds pointers to arrays: a slice would be put on the heap each time that it is given back.
func (b *bufferPool) Get() []byte {
	if buffer, ok := b.pool.Get().(*[bufferBytes]byte); ok {
		return buffer[:]
	}
	return make([]byte, bufferBytes)
}

func (b *bufferPool) Put(buffer []byte) { b.pool.Put((*[bufferBytes]byte)(buffer)) }

var buffers = &bufferPool{}

// newBackend keeps up to so many idle connections; 0: as the report does.
func newBackend(address string, keep int) *backend {
	u, err := url.Parse(address)
	if err != nil {
		log.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(u)
	proxy.Director = func(req *http.Request) {
		req.URL.Scheme = u.Scheme
		req.URL.Host = u.Host
		req.Host = u.Host
		req.URL.Path = path.Clean(req.URL.Path)
		if req.URL.Path == "" || req.URL.Path == "." {
			req.URL.Path = "/"
		}
	}
	transport := &http.Transport{
		DialContext:           (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		ResponseHeaderTimeout: 30 * time.Second,
		MaxIdleConns:          100,
		IdleConnTimeout:       90 * time.Second,
	}
	if keep > 0 {
		transport.MaxIdleConns = keep
		transport.MaxIdleConnsPerHost = keep
		proxy.BufferPool = buffers
	}
	proxy.Transport = transport
	return &backend{url: u, proxy: proxy, alive: true}
}

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "address to listen on")
	origins := flag.String("origins", "", "URLs of the backends, with commas between them")
	cert := flag.String("cert", "", "certificate for TLS")
	key := flag.String("key", "", "its key")
	keep := flag.Int("keep", 0, "idle connections to keep to each backend; 0: as the report does")
	flag.Parse()
	log.SetOutput(os.Stdout)
	lb := &loadBalancer{}
	for _, address := range strings.Split(*origins, ",") {
		lb.backends = append(lb.backends, newBackend(address, *keep))
	}
	go lb.checkHealth(10 * time.Second)
	mux := http.NewServeMux()
	// What the report did to "balance" for its isolated test.
	mux.HandleFunc("/isolated", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusOK) })
	mux.HandleFunc("/", lb.balance)
	if *cert != "" {
		log.Fatal(http.ListenAndServeTLS(*listen, *cert, *key, mux))
	}
	log.Fatal(http.ListenAndServe(*listen, mux))
}
