// Package receiver turns Alertmanager webhooks into messages that arrive.
//
// The way of the data is
//
//	Webhook -> Notification -> Router -> Outbox -> Renderer -> Channel -> Receipt
//
// A webhook is answered 2xx only after its notification and one delivery a
// recipient are on disk. From there each delivery is claimed, rendered, sent
// and settled on its own, so that one failing recipient never repeats or
// delays another's message. DESIGN.md draws the states and lists what happens
// on each failure.
//
// The package holds the nouns and the rules between them; every folder below
// answers "with what?": sqlite keeps the outbox, email, sms and slack send.
package receiver
