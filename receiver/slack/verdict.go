package slack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	slackapi "github.com/slack-go/slack"

	"github.com/bongsu/bongsu/internal/secret"
	"github.com/bongsu/bongsu/receiver"
)

// defaultDelay is how long a channel waits after a 429 that doesn't say.
// Slack's slowest tier is one call a minute, its fastest one message a second.
const defaultDelay = 30 * time.Second

// verdict is what Slack's error code is to the outbox.
type verdict int

const (
	retry  verdict = iota // the default: anything not known to be final
	later                 // told to slow down
	anew                  // the message can't be edited, another can be posted
	broken                // no attempt with this token, channel or text can succeed
)

// verdictOf knows the codes of chat.postMessage, chat.update and webhooks that
// are worth telling apart.
//
// Source: https://docs.slack.dev/reference/methods/chat.postMessage and
// chat.update, section Errors.
func verdictOf(code string) verdict {
	switch code {
	case "ratelimited", "rate_limited", "message_limit_exceeded":
		return later
	case "message_not_found", "edit_window_closed", "cant_update_message", "cant_edit_message":
		return anew
	case "not_authed", "invalid_auth", "account_inactive", "token_revoked", "token_expired", "not_allowed_token_type",
		"no_permission", "missing_scope", "access_denied", "ekm_access_denied", "org_login_required", "team_access_not_granted",
		"channel_not_found", "not_in_channel", "is_archived", "restricted_action", "restricted_action_read_only_channel",
		"no_text", "msg_too_long", "msg_blocks_too_long", "too_many_attachments", "invalid_blocks", "invalid_blocks_format", "invalid_attachments",
		"invalid_arguments", "invalid_arg_name", "invalid_array_arg", "invalid_charset", "invalid_form_data", "invalid_post_type", "invalid_json",
		"messages_tab_disabled", "as_user_not_supported", "unknown_method", "method_deprecated", "deprecated_endpoint",
		// Those of webhooks.
		"no_service", "no_service_id", "invalid_token", "no_team", "no_channel", "channel_is_archived", "action_prohibited",
		"user_not_found", "posting_to_general_channel_denied", "invalid_payload":
		return broken
	}
	return retry // internal_error, fatal_error, request_timeout, service_unavailable, team_added_to_org…
}

// refused is an error code of Slack's.
type refused struct {
	code string
	// more are Slack's own words about it, if any.
	more string
}

func (r refused) Error() string {
	if r.more == "" {
		return r.code
	}
	return r.code + ": " + r.more
}

// mustPost reports whether an update failed because there is nothing to edit.
func mustPost(err error) bool {
	var r refused
	return errors.As(err, &r) && verdictOf(r.code) == anew
}

// outcome makes err what it is to the outbox.
func outcome(err error) error {
	var r refused
	if !errors.As(err, &r) {
		return err
	}
	switch verdictOf(r.code) {
	case later:
		return receiver.RetryAfter(defaultDelay, err)
	case broken, anew:
		return receiver.Permanent(err)
	}
	return err
}

// fromLibrary translates slack-go's errors: its 429 without Retry-After is a
// plain status, and its others differ in type.
func fromLibrary(ctx context.Context, err error) error {
	var (
		limited *slackapi.RateLimitedError
		status  slackapi.StatusCodeError
		api     slackapi.SlackErrorResponse
	)
	switch {
	case err == nil:
		return nil
	case context.Cause(ctx) != nil:
		return fmt.Errorf("no answer in time: %w", context.Cause(ctx))
	case errors.As(err, &limited):
		return receiver.RetryAfter(limited.RetryAfter, err)
	case errors.As(err, &status):
		return byStatus(status.Code, "")
	case errors.As(err, &api):
		return outcome(refused{api.Err, strings.Join(api.ResponseMetadata.Messages, "; ")})
	}
	return secret.RedactError(err)
}

// byStatus judges a status that is not 200.
func byStatus(code int, retryAfter string) error {
	err := fmt.Errorf("answer %d", code)
	switch {
	case code == http.StatusTooManyRequests:
		if s, bad := strconv.Atoi(strings.TrimSpace(retryAfter)); bad == nil && s >= 0 {
			return receiver.RetryAfter(time.Duration(s)*time.Second, err)
		}
		return receiver.RetryAfter(defaultDelay, err)
	case code == http.StatusRequestTimeout, code == http.StatusTooEarly:
		return err
	case code >= 400 && code < 500:
		return receiver.Permanent(err)
	}
	return err
}

// scrub cuts the secret from an error that repeats it, and keeps its verdict.
func scrub(err error, key secret.Text) error {
	if err == nil || key.IsZero() {
		return err
	}
	text := strings.NewReplacer(key.Reveal(), "<secret>", url.QueryEscape(key.Reveal()), "<secret>").Replace(err.Error())
	if text == err.Error() {
		return err
	}
	clean := errors.New(text)
	if delay, ok := receiver.RetryDelay(err); ok {
		return receiver.RetryAfter(delay, clean)
	}
	if receiver.IsPermanent(err) {
		return receiver.Permanent(clean)
	}
	return clean
}
