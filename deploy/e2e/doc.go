// Package e2e holds the stories that bongsu is judged by: the built program
// between real servers, as a user runs it. The stories are tests behind the
// build tag e2e; `make e2e` runs them.
package e2e
