// Package deploy puts the parts together: the exporter and the receiver each
// with its listener, its storage and its drivers, the check of every file that a
// deployment is made of, and the starter directory.
//
// Both programs stand on it: bongsu, which is flags above it, and bongsu-stack
// in deploy/embedded, which adds Prometheus and Alertmanager in process. Nothing
// else imports it, and it decides nothing: what the parts do is in their rooms.
package deploy
