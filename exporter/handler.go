package exporter

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/bongsu/bongsu/internal/secret"
)

func redactTarget(t Target) string {
	if t.URL == "" {
		return ""
	}
	return secret.RedactURL(t.URL)
}

// Probe returns the handler of /probe.
//
// With the parameter module it probes that module, or those, and with target
// what the module shall ask. Without, it probes all modules that name their own
// target, at once. The answer is 200 whatever the probes gave, and 400 with the
// reason as text for a request that makes no sense. With debug=true it is the
// story of the probes, for a person.
func (e *Exporter) Probe() http.Handler {
	writers := &sync.Pool{New: func() any { return newGzipWriter() }}
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if e.Config().Dialect() == dialectJSONExporter {
			e.probeJSONExporter(w, req, writers)
			return
		}
		names, t, err := e.asked(req.URL.Query())
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		ctx, cancel := scrapeContext(req)
		defer cancel()
		debug := req.URL.Query().Get("debug") == "true"
		results, err := e.runAll(ctx, names, Ask{Target: t, Tell: debug})
		switch {
		case errors.As(err, new(*RequestError)):
			http.Error(w, err.Error(), http.StatusBadRequest)
		case err != nil:
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		case debug:
			tell(w, results)
		default:
			respond(w, req, newExposition(results), negotiate(req.Header.Values("Accept")), writers)
		}
	})
}

// asked returns what modules a request is for, sorted.
func (e *Exporter) asked(q url.Values) ([]string, Target, error) {
	t := Target{URL: q.Get("target")}
	names := slices.DeleteFunc(q["module"], func(s string) bool { return s == "" })
	slices.Sort(names)
	names = slices.Compact(names)
	c := e.Config()
	if len(names) == 0 && t.URL != "" {
		return nil, t, requestErrorf("target without module: which recipe is it for? known modules: %s", strings.Join(c.names(), ", "))
	}
	if len(names) > 0 {
		return names, t, nil
	}
	for _, name := range c.names() {
		if !c.Modules[name].NeedsTarget() {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, t, requestErrorf("no module names its own target: the parameters module and target are needed; known modules: %s", strings.Join(c.names(), ", "))
	}
	return names, t, nil
}

// runAll probes modules at once. Each has its own timeout within ctx.
func (e *Exporter) runAll(ctx context.Context, names []string, ask Ask) ([]*Result, error) {
	results, errs := make([]*Result, len(names)), make([]error, len(names))
	var wg sync.WaitGroup
	for i, name := range names {
		wg.Go(func() { results[i], errs[i] = e.Do(ctx, Ask{name, ask.Target, nil, ask.Tell}) })
	}
	wg.Wait()
	return results, errors.Join(errs...)
}

// tell writes the stories of probes.
func tell(w http.ResponseWriter, results []*Result) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	for _, r := range results {
		if r.WriteStory(w) != nil {
			return // the far side is gone: nobody to tell
		}
	}
}

// scrapeContext bounds a probe by what Prometheus says its patience is, less
// what the answer needs to get there: a tenth of it, half a second at most.
func scrapeContext(req *http.Request) (context.Context, context.CancelFunc) {
	seconds, err := strconv.ParseFloat(req.Header.Get("X-Prometheus-Scrape-Timeout-Seconds"), 64)
	if err != nil || !(seconds > 0) || seconds > 24*3600 {
		return context.WithCancel(req.Context())
	}
	patience := time.Duration(seconds * float64(time.Second))
	return context.WithTimeout(req.Context(), patience-min(patience/10, time.Second/2))
}

// respond writes the exposition, compressed if the request wants that.
func respond(w http.ResponseWriter, req *http.Request, x *exposition, f format, writers *sync.Pool) {
	w.Header().Set("Content-Type", f.contentType())
	w.Header().Set("Vary", "Accept, Accept-Encoding")
	if !acceptsGzip(req.Header.Values("Accept-Encoding")) {
		_ = x.writeTo(w, f) // the far side is gone: nobody to tell
		return
	}
	w.Header().Set("Content-Encoding", "gzip")
	z := writers.Get().(*gzip.Writer)
	defer writers.Put(z)
	z.Reset(w)
	if x.writeTo(z, f) == nil {
		_ = z.Close()
	}
}

func newGzipWriter() *gzip.Writer {
	z, err := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed)
	if err != nil {
		panic(err) // the level is a constant
	}
	return z
}
