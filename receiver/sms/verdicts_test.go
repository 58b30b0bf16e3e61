package sms

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/bongsu/bongsu/receiver"
)

// told is an answer, and what it must be to the outbox: "accepted ID",
// "retry", "later DELAY" or "final", with a part of what is said of it.
type told struct {
	status int
	body   string
	want   string
	says   string
}

// answersOf are the answers of contracts and documents, one at least of every
// row of a provider's table.
func answersOf() map[string][]told {
	vonage := func(status string) string {
		return fmt.Sprintf(`{"message-count":"1","messages":[{"status":%q,"error-text":"so it is"}]}`, status)
	}
	nhn := func(code string) string {
		return `{"header":{"isSuccessful":false,"resultCode":` + code + `,"resultMessage":"안 됨"},"body":null}`
	}
	infobip := func(group int, name string) string {
		return fmt.Sprintf(`{"bulkId":"b","messages":[{"messageId":"m7","status":{"groupId":%d,"groupName":"G","id":1,"name":%q,"description":"so it is"},"destination":"821012345678","details":{"messageCount":1}}]}`, group, name)
	}
	sns := func(code string) string {
		return `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type><Code>` + code + `</Code><Message>so it is</Message></Error><RequestId>r</RequestId></ErrorResponse>`
	}
	return map[string][]told{
		"vonage": {
			{200, `{"message-count":"1","messages":[{"to":"821012345678","message-id":"A0","status":"0"}]}`, "accepted A0", ""},
			{200, vonage("1"), "later 17s", "error 1: so it is"},
			{200, vonage("2"), "final", "error 2"},
			{200, vonage("3"), "final", ""},
			{200, vonage("4"), "final", ""},
			{200, vonage("5"), "retry", ""},
			{200, vonage("6"), "final", ""},
			{200, vonage("7"), "final", ""},
			{200, vonage("8"), "final", ""},
			{200, vonage("9"), "final", ""},
			{200, vonage("10"), "later 17s", ""},
			{200, vonage("11"), "final", ""},
			{200, vonage("12"), "final", ""},
			{200, vonage("14"), "final", ""},
			{200, vonage("15"), "final", ""},
			{200, vonage("77"), "retry", "error 77"},
			// The second part was throttled: the text can't be put together.
			{200, `{"messages":[{"status":"0","message-id":"A0"},{"status":"1","error-text":"Throttled"}]}`, "later 17s", "Throttled"},
			{200, `{"messages":[{"status":"0","message-id":"A0"},{"status":"77"}]}`, "retry", "error 77"},
			{200, `<html>점검 중`, "retry", "점검 중"},
		},
		"messagebird": {
			{201, `{"id":"e8","recipients":{"totalCount":1,"items":[{"recipient":821012345678,"status":"sent","messagePartCount":1}]}}`, "accepted e8", ""},
			{201, `{"id":"e8","recipients":{"items":[{"status":"buffered"}]}}`, "accepted e8", ""},
			{201, `{"id":"e8","recipients":{"items":[{"status":"delivery_failed"}]}}`, "final", "delivery_failed"},
			{401, `{"errors":[{"code":2,"description":"Request not allowed (incorrect access_key)","parameter":"access_key"}]}`, "final", "error 2: Request not allowed"},
			{422, `{"errors":[{"code":9,"description":"no (correct) recipients found"}]}`, "final", "error 9"},
			{422, `{"errors":[{"code":10}]}`, "final", ""},
			{404, `{"errors":[{"code":20}]}`, "final", ""},
			{422, `{"errors":[{"code":25,"description":"Not enough balance"}]}`, "final", "balance"},
			{404, `{"errors":[{"code":98}]}`, "final", ""},
			{422, `{"errors":[{"code":99}]}`, "retry", ""},
			{429, `{"errors":[{"code":101}]}`, "later 17s", ""},
			{201, `{}`, "retry", "without an ID"},
		},
		"plivo": {
			{202, `{"message":"message(s) queued","api_id":"a","message_uuid":["u-1"]}`, "accepted u-1", ""},
			{400, `{"api_id":"a","error":"src is required"}`, "final", "src is required"},
			{401, `Could not verify your access level`, "final", "Could not verify"},
			{402, `{"error":"insufficient credit"}`, "final", ""},
			{429, `{"error":"too fast"}`, "later 17s", ""},
			{500, `{"error":"oops"}`, "retry", "oops"},
			{202, `{"message":"message(s) queued"}`, "retry", "without an ID"},
		},
		"sinch": {
			{201, `{"id":"01F","type":"mt_text","expire_at":"2026-11-25T09:30:00Z"}`, "accepted 01F", ""},
			{400, `{"code":"syntax_invalid_parameter_format","text":"to[0]: number"}`, "final", "error syntax_invalid_parameter_format: to[0]: number"},
			{401, ``, "final", "answer 401"},
			{403, `{"code":"forbidden","message":"no"}`, "final", "no"},
			{429, `{"code":"too_many"}`, "later 17s", ""},
			{503, ``, "retry", ""},
		},
		"infobip": {
			{200, infobip(1, "PENDING_ACCEPTED"), "accepted m7", ""},
			{200, infobip(0, "ACCEPTED"), "accepted m7", ""},
			{200, infobip(3, "DELIVERED_TO_HANDSET"), "accepted m7", ""},
			{200, infobip(2, "UNDELIVERABLE_REJECTED_OPERATOR"), "final", "so it is"},
			{200, infobip(4, "EXPIRED_EXPIRED"), "retry", ""},
			{200, infobip(5, "REJECTED_PREFIX_MISSING"), "final", "error 5: so it is"},
			{200, infobip(9, "WHO_KNOWS"), "retry", ""},
			{401, `{"requestError":{"serviceException":{"messageId":"UNAUTHORIZED","text":"Invalid login details"}}}`, "final", "Invalid login"},
			{429, `{"errorCode":"E429","description":"slow down"}`, "later 17s", "slow down"},
			{500, `{"errorCode":"E500"}`, "retry", ""},
		},
		"telnyx": {
			{200, `{"data":{"id":"4031","parts":1,"errors":[],"to":[{"status":"queued"}]}}`, "accepted 4031", ""},
			{429, `{"errors":[{"code":"10011","title":"Too many requests","detail":"You have exceeded"}]}`, "later 17s", "error 10011: You have exceeded"},
			{400, `{"errors":[{"code":"10011"}]}`, "later 17s", ""},
			{400, `{"errors":[{"code":"10007"}]}`, "retry", ""},
			{422, `{"errors":[{"code":"10008"}]}`, "retry", ""},
			{422, `{"errors":[{"code":"10016","title":"Phone number must be in +E.164 format"}]}`, "final", "+E.164"},
			{401, `{"errors":[{"code":"10009"}]}`, "final", ""},
			{200, `{"data":{"id":"4031","errors":[{"code":"40300"}]}}`, "retry", "error 40300"},
		},
		"sns": {
			{200, `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>94f20ce6</MessageId></PublishResult><ResponseMetadata><RequestId>f187a3c1</RequestId></ResponseMetadata></PublishResponse>`, "accepted 94f20ce6", ""},
			{400, sns("Throttling"), "later 17s", "error Throttling: so it is"},
			{429, sns("ThrottledException"), "later 17s", ""},
			{400, sns("ThrottlingException"), "later 17s", ""},
			{400, sns("RequestExpired"), "retry", ""},
			{400, sns("InvalidParameter"), "final", ""},
			{403, sns("SignatureDoesNotMatch"), "final", ""},
			{500, sns("InternalError"), "retry", ""},
			{503, sns("ServiceUnavailable"), "retry", ""},
			{200, `<html>점검 중</html>`, "retry", "점검 중"},
			{200, `<PublishResponse/>`, "retry", "without an ID"},
		},
		"nhn": {
			{200, `{"header":{"isSuccessful":true,"resultCode":0,"resultMessage":"SUCCESS"},"body":{"data":{"requestId":"20261122R","statusCode":"2","sendResultList":[{"recipientNo":"01012345678","resultCode":0,"resultMessage":"SUCCESS","recipientSeq":1}]}}}`, "accepted 20261122R", ""},
			{200, nhn("-1000"), "final", "error -1000: 안 됨"},
			{200, nhn("-1004"), "final", ""},
			{200, nhn("-2023"), "final", ""},
			{200, nhn("-2312"), "final", ""},
			{200, nhn("-2021"), "retry", ""},
			{200, nhn("-9999"), "retry", ""},
			{200, nhn("-4242"), "retry", ""},
			{200, `{"header":{"isSuccessful":true,"resultCode":0},"body":{"data":{"requestId":"R","sendResultList":[{"resultCode":-2019,"resultMessage":"RecipientNo is invalid."}]}}}`, "final", "RecipientNo"},
			{200, `{"header":{"isSuccessful":true,"resultCode":0},"body":{"data":{"requestId":"R","sendResultList":[{"resultCode":-4242}]}}}`, "retry", "error -4242"},
			{429, ``, "later 17s", ""},
		},
		"sens": {
			{202, `{"requestId":"VSSMS-1","requestTime":"2026-11-22T18:30:00.000","statusCode":"202","statusName":"success"}`, "accepted VSSMS-1", ""},
			{200, `{"requestId":"VSSMS-1","statusCode":"500","statusName":"fail"}`, "retry", "error 500: fail"},
			{400, `{"status":400,"errors":["from: 등록되지 않은 번호"],"errorMessage":"Bad Request"}`, "final", "Bad Request"},
			{401, `{"error":{"errorCode":"200","message":"Authentication Failed","details":"Invalid authentication information."}}`, "final", "Authentication Failed"},
			{403, `{}`, "final", ""},
			{404, `{}`, "final", ""},
			{429, `{"error":{"errorCode":"400","message":"Quota Exceeded"}}`, "later 17s", "Quota"},
			{500, `{"status":500}`, "retry", ""},
		},
		"solapi": {
			{200, `{"failedMessageList":[],"groupInfo":{"groupId":"G1","count":{"total":1,"registeredFailed":0}},"messageList":[{"messageId":"M1","statusCode":"2000","statusMessage":"정상 접수"}]}`, "accepted M1", ""},
			{200, `{"failedMessageList":[],"groupInfo":{"groupId":"G1"}}`, "accepted G1", ""},
			{200, `{"failedMessageList":[{"messageId":"M1","statusCode":"1062","statusMessage":"발신번호 미등록"}],"groupInfo":{"groupId":"G1","count":{"total":1,"registeredFailed":1}},"messageList":[]}`, "retry", "error 1062: 발신번호 미등록"},
			{400, `{"errorCode":"ValidationError","errorMessage":"from 은 필수"}`, "final", "error ValidationError: from 은 필수"},
			{403, `{"errorCode":"Forbidden"}`, "final", ""},
			{429, `{"errorCode":"TooManyRequests"}`, "later 17s", ""},
			{500, `{"errorCode":"InternalError"}`, "retry", ""},
		},
		"aligo": {
			{200, `{"result_code":"1","message":"success","msg_id":"123456789","success_cnt":1,"error_cnt":0,"msg_type":"SMS"}`, "accepted 123456789", ""},
			{200, `{"result_code":1,"message":"success","msg_id":123456789}`, "accepted 123456789", ""},
			{200, `{"result_code":-101,"message":"인증오류입니다."}`, "final", "error -101: 인증오류입니다."},
			{200, `{"result_code":"-102","message":"인증오류입니다."}`, "final", ""},
			{200, `{"result_code":-999,"message":"잠시 후"}`, "retry", "잠시 후"},
			{200, `{"message":"?"}`, "retry", ""},
			{503, `점검 중`, "retry", "점검 중"},
		},
	}
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	for name, answers := range answersOf() {
		for _, c := range answers {
			far := &canned{status: c.status, body: c.body, header: http.Header{"Retry-After": {"17"}}}
			ch := channelOf(t, name, settingsOf()[name], far)
			r, err := ch.Send(t.Context(), messageOf("글"))
			if got := outcome(r, err); got != c.want {
				t.Errorf("%s: %d %s: got %s (%v), want %s", name, c.status, c.body, got, err, c.want)
			}
			if err != nil && (!strings.HasPrefix(err.Error(), name+": answer ") || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("%s: %d %s: says %q, want it to say %q", name, c.status, c.body, err, c.says)
			}
		}
	}
}

func outcome(r receiver.Receipt, err error) string {
	delay, later := receiver.RetryDelay(err)
	switch {
	case err == nil:
		return "accepted " + r.ID
	case receiver.IsPermanent(err):
		return "final"
	case later:
		return "later " + delay.String()
	}
	return "retry"
}

// TestOwnVerdicts: what was guessed can be put right in the settings.
func TestOwnVerdicts(t *testing.T) {
	t.Parallel()
	own := `verdicts: {9: retry, 77: accepted, REJECTED_NOT_ENOUGH_CREDITS: later, HTTP 402: later, -101: retry, "21617": retry}`
	for _, c := range []struct {
		name, settings string
		told
	}{
		{"vonage", settingsOf()["vonage"], told{status: 200, body: `{"messages":[{"status":"9"}]}`, want: "retry"}},
		{"vonage", settingsOf()["vonage"], told{status: 200, body: `{"messages":[{"status":"77","message-id":"A"}]}`, want: "accepted A"}},
		{"vonage", settingsOf()["vonage"], told{status: 500, body: `{"messages":[{"status":"77","message-id":"A"}]}`, want: "retry"}},
		{"infobip", settingsOf()["infobip"], told{status: 200, body: `{"messages":[{"messageId":"m","status":{"groupId":5,"name":"REJECTED_NOT_ENOUGH_CREDITS"}}]}`, want: "later 0s"}},
		{"plivo", settingsOf()["plivo"], told{status: 402, body: `{"error":"no credit"}`, want: "later 0s"}},
		{"aligo", settingsOf()["aligo"], told{status: 200, body: `{"result_code":-101}`, want: "retry"}},
		{"aligo", `{from: 1588-1234, user_id: u, key: SECRET, reply: {id: "", code: code}}`, told{status: 200, body: `{"code":1}`, want: "accepted "}},
		{"aligo", `{from: 1588-1234, user_id: u, key: SECRET, reply: {id: "", code: code}}`, told{status: 200, body: `{"result_code":1}`, want: "retry"}},
		{"twilio", `{from: +15005550006, account_sid: AC0, auth_token: SECRET}`, told{status: 400, body: `{"code":21617}`, want: "retry"}},
		{"twilio", `{from: +15005550006, account_sid: AC0, auth_token: SECRET}`, told{status: 402, body: `{}`, want: "later 0s"}},
	} {
		ch := channelOf(t, c.name, strings.TrimSuffix(c.settings, "}")+", "+own+"}", &canned{status: c.status, body: c.body})
		r, err := ch.Send(t.Context(), messageOf("글"))
		if got := outcome(r, err); got != c.want {
			t.Errorf("%s: %d %s: got %s (%v), want %s", c.name, c.status, c.body, got, err, c.want)
		}
	}
}
