package exporter

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"net"
	"strings"
	"syscall"
)

var errTooLarge = errors.New("too large")

// httpReason finds the reason of a failed request or a broken answer.
func httpReason(ctx context.Context, err error) Reason {
	switch {
	case errors.As(err, new(*forbiddenError)):
		return ReasonForbidden
	case errors.Is(err, errTooLarge):
		return ReasonTooLarge
	case errors.Is(err, errRedirect):
		return ReasonRedirect
	case ctx.Err() != nil, errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return ReasonTimeout
	case errors.As(err, new(*fs.PathError)):
		return ReasonCredentials
	case isTLS(err):
		return ReasonTLS
	}
	return connectionReason(err)
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

func connectionReason(err error) Reason {
	var op *net.OpError
	switch {
	case errors.As(err, new(*net.DNSError)):
		return ReasonDNS
	case errors.Is(err, syscall.ECONNREFUSED):
		return ReasonRefused
	case errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect" || op.Op == "socks connect"):
		return ReasonConnect
	}
	return ReasonInterrupted
}

func isTLS(err error) bool {
	return errors.As(err, new(*tls.CertificateVerificationError)) ||
		errors.As(err, new(tls.RecordHeaderError)) ||
		errors.As(err, new(tls.AlertError)) ||
		errors.As(err, new(x509.UnknownAuthorityError)) ||
		errors.As(err, new(x509.HostnameError)) ||
		strings.Contains(err.Error(), "server gave HTTP response to HTTPS client")
}
