package exporter

import "fmt"

// Stage is a part of a probe, as the label stage shows it.
type Stage string

// The stages of a probe.
const (
	// StageFetch is everything until the answer is here: connecting, asking,
	// receiving.
	StageFetch Stage = "fetch"
	// StageDecode is reading the answer and evaluating expressions.
	StageDecode Stage = "decode"
)

// Reason says why a probe failed or a sample was dropped, as the label reason
// shows it. The set is closed and stable: alerts may match on it.
type Reason string

// Why a probe failed at [StageFetch].
const (
	ReasonTimeout     Reason = "timeout"     // the deadline came first (at any stage)
	ReasonDNS         Reason = "dns"         // the host's name has no address
	ReasonRefused     Reason = "refused"     // nobody listens there
	ReasonConnect     Reason = "connect"     // no connection, for another cause
	ReasonTLS         Reason = "tls"         // handshake or certificate
	ReasonForbidden   Reason = "forbidden"   // an address that is never asked
	ReasonRedirect    Reason = "redirect"    // a redirect that is not followed
	ReasonStatus      Reason = "status"      // an HTTP status that does not count as valid
	ReasonTooLarge    Reason = "too_large"   // more bytes or rows than the module lets in
	ReasonInterrupted Reason = "interrupted" // the connection broke
	ReasonCredentials Reason = "credentials" // a file with a secret cannot be read
	ReasonQuery       Reason = "query"       // the database refuses or cannot run the statement
	ReasonBusy        Reason = "busy"        // too many probes run at once, until the deadline
	ReasonInternal    Reason = "internal"    // a defect of the exporter
)

// Why a probe failed, or a sample was dropped, at [StageDecode].
const (
	ReasonNotJSON        Reason = "not_json"         // the body is no JSON
	ReasonMalformed      Reason = "malformed"        // the body is not of the module's format
	ReasonNoMatch        Reason = "no_match"         // the pattern matches nothing in the body
	ReasonTooDeep        Reason = "too_deep"         // the body nests too deeply
	ReasonRows           Reason = "rows"             // the rows expression does not fit the answer
	ReasonExpression     Reason = "expression"       // a label's or value's expression does not fit the row
	ReasonSeveral        Reason = "several"          // an expression gives several values for one row
	ReasonMissing        Reason = "missing"          // the value is null or not there
	ReasonLongLabel      Reason = "label_too_long"   // a label's value has more bytes than the module lets in
	ReasonTooManySamples Reason = "too_many_samples" // the module gives more samples than it may
	ReasonNotNumber      Reason = "not_a_number"     // the value is no number
	ReasonNaN            Reason = "nan"              // the value is NaN
	ReasonName           Reason = "name"             // a passed-on name that is taken, reserved or not writable
	ReasonDuplicate      Reason = "duplicate"        // the series is there already; dropped, never a failure
)

// dropReasons are those for which a single sample can be dropped.
var dropReasons = [...]Reason{
	ReasonDuplicate, ReasonExpression, ReasonLongLabel, ReasonMissing, ReasonName, ReasonNaN, ReasonNotNumber, ReasonSeveral,
}

// Failure is one thing that went wrong in a probe.
type Failure struct {
	Stage  Stage
	Reason Reason
	// Err tells a person more. It holds no secrets.
	Err error
}

// Error implements error.
func (f *Failure) Error() string { return fmt.Sprintf("%s: %s: %v", f.Stage, f.Reason, f.Err) }

// Unwrap returns Err.
func (f *Failure) Unwrap() error { return f.Err }

func fetchFailure(reason Reason, err error) *Failure {
	return &Failure{Stage: StageFetch, Reason: reason, Err: err}
}

func decodeFailure(reason Reason, err error) *Failure {
	return &Failure{Stage: StageDecode, Reason: reason, Err: err}
}

// Reasons returns all reasons.
func Reasons() []Reason {
	return []Reason{
		ReasonTimeout, ReasonDNS, ReasonRefused, ReasonConnect, ReasonTLS, ReasonForbidden, ReasonRedirect, ReasonStatus,
		ReasonTooLarge, ReasonInterrupted, ReasonCredentials, ReasonQuery, ReasonBusy, ReasonInternal,
		ReasonNotJSON, ReasonMalformed, ReasonNoMatch, ReasonTooDeep, ReasonRows, ReasonExpression, ReasonSeveral, ReasonMissing, ReasonNotNumber, ReasonNaN, ReasonName, ReasonLongLabel, ReasonTooManySamples, ReasonDuplicate,
	}
}
