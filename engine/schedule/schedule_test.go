package schedule_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/schedule"
)

func at(text string) time.Time {
	t, err := time.Parse("2006-01-02 15:04 -0700", text)
	if err != nil {
		panic(err)
	}
	return t
}

func TestNext(t *testing.T) {
	nightly := schedule.Entry{Cron: "30 2 * * *", TimeZone: "Europe/Berlin"}
	weekly := schedule.Entry{Cron: "30 2 * * 0", TimeZone: "Europe/Berlin", Full: true}
	for _, tt := range []struct {
		name  string
		s     schedule.Schedule
		after string
		want  string
	}{
		{"the same day", schedule.Schedule{nightly}, "2026-11-30 01:00 +0100", "2026-11-30 02:30 +0100"},
		{"not the same minute", schedule.Schedule{nightly}, "2026-11-30 02:30 +0100", "2026-12-01 02:30 +0100"},
		{"two at once", schedule.Schedule{nightly, weekly}, "2026-12-05 12:00 +0100", "2026-12-06 02:30 +0100"},
		{"the earliest", schedule.Schedule{weekly, nightly}, "2026-11-30 12:00 +0100", "2026-12-01 02:30 +0100"},
		{"UTC", schedule.Schedule{{Cron: "@daily", TimeZone: "UTC"}}, "2026-11-30 12:00 +0100",
			"2026-12-01 00:00 +0000"},
		{"the clocks go forward", schedule.Schedule{nightly}, "2027-03-27 12:00 +0100", "2027-03-28 03:30 +0200"},
		{"after they went forward", schedule.Schedule{nightly}, "2027-03-28 03:30 +0200", "2027-03-29 02:30 +0200"},
		{"the clocks go back", schedule.Schedule{nightly}, "2026-10-24 12:00 +0200", "2026-10-25 02:30 +0200"},
		{"29 February", schedule.Schedule{{Cron: "0 0 29 2 *", TimeZone: "UTC"}}, "2026-11-30 12:00 +0100",
			"2028-02-29 00:00 +0000"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			start, ok := tt.s.Next("catalog", at(tt.after))
			if !ok || !start.Equal(at(tt.want)) {
				t.Errorf("got %v, want %s", start, tt.want)
			}
		})
	}
	if start, ok := (schedule.Schedule{}).Next("catalog", time.Now()); ok {
		t.Errorf("no schedule begins a run at %v", start)
	}
}

func TestMissed(t *testing.T) {
	s := schedule.Schedule{{Cron: "0 * * * *", TimeZone: "UTC"}, {Cron: "30 2 * * *", TimeZone: "UTC", Full: true}}
	for _, tt := range []struct {
		name, since, now, want string
		full                   bool
	}{
		{"none", "2026-11-30 10:00 +0000", "2026-11-30 10:59 +0000", "", false},
		{"one", "2026-11-30 10:00 +0000", "2026-11-30 11:00 +0000", "2026-11-30 11:00 +0000", false},
		{"many are one", "2026-11-30 10:00 +0000", "2026-11-30 20:10 +0000", "2026-11-30 20:00 +0000", false},
		{"one of them is full", "2026-11-30 10:00 +0000", "2026-12-01 05:10 +0000", "2026-12-01 05:00 +0000", true},
		{"two at once are one full run", "2026-12-01 02:10 +0000", "2026-12-01 02:30 +0000", "2026-12-01 02:30 +0000", true},
		{"a year", "2025-11-30 10:00 +0000", "2026-12-01 05:10 +0000", "2026-12-01 05:00 +0000", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			due, ok := s.Missed(at(tt.since), at(tt.now))
			if tt.want == "" {
				if ok {
					t.Errorf("got %v", due.At)
				}
				return
			}
			if !ok || !due.At.Equal(at(tt.want)) || due.Full != tt.full {
				t.Errorf("got %v, full %v, want %s", due.At, due.Full, tt.want)
			}
		})
	}
}

// TestMissedLongAgo: a time that was missed more than a week ago is not lost.
func TestMissedLongAgo(t *testing.T) {
	s := schedule.Schedule{{Cron: "30 2 1 * *", TimeZone: "UTC", Full: true}}
	due, ok := s.Missed(at("2026-10-20 10:00 +0000"), at("2026-11-20 10:00 +0000"))
	if !ok || !due.At.Equal(at("2026-11-01 02:30 +0000")) || !due.Full {
		t.Errorf("got %v, %+v", ok, due)
	}
}

func TestJitter(t *testing.T) {
	s := schedule.Schedule{{Cron: "30 2 * * *", TimeZone: "UTC", Jitter: config.Duration(10 * time.Minute)}}
	starts := map[time.Duration]bool{}
	for i := range 50 {
		start, _ := s.Next(fmt.Sprint("catalog-", i), at("2026-11-30 10:00 +0000"))
		if again, _ := s.Next(fmt.Sprint("catalog-", i), at("2026-11-30 11:00 +0000")); !again.Equal(start) {
			t.Fatalf("the run begins once at %v and once at %v", start, again)
		}
		delay := start.Sub(at("2026-12-01 02:30 +0000"))
		if delay < 0 || delay >= 10*time.Minute {
			t.Fatalf("the delay is %v", delay)
		}
		starts[delay.Truncate(time.Minute)] = true
	}
	if len(starts) < 8 {
		t.Errorf("50 pipelines begin within %d of 10 minutes", len(starts))
	}
}

// TestJitterOfAnotherLine: the delay of a line does not delay the others.
func TestJitterOfAnotherLine(t *testing.T) {
	s := schedule.Schedule{
		{Cron: "30 13 * * *", TimeZone: "UTC", Full: true, Jitter: config.Duration(6 * time.Hour)},
		{Cron: "0 * * * *", TimeZone: "UTC"},
	}
	last := at("2026-11-30 13:00 +0000")
	if start, _ := s[:1].Next("catalog", last); start.Before(at("2026-11-30 14:00 +0000")) {
		t.Fatalf("the test needs a longer delay than until %v", start)
	}
	start, ok := s.Next("catalog", last)
	if !ok || !start.Equal(at("2026-11-30 14:00 +0000")) {
		t.Errorf("the next run begins at %v", start)
	}
	if due, _ := s.Missed(last, start); !due.At.Equal(start) || !due.Full {
		t.Errorf("it deals with %+v", due)
	}
}

func TestValidate(t *testing.T) {
	for _, tt := range []struct {
		cron, zone string
		jitter     time.Duration
		field      string
	}{
		{"30 2 * * *", "Europe/Berlin", 0, ""},
		{"@weekly", "UTC", 0, ""},
		{"30 2 * * mon-fri", "UTC", 0, ""},
		{"0 0 30 2 *", "UTC", 0, "cron"},
		{"30 25 * * *", "UTC", 0, "cron"},
		{"every night", "UTC", 0, "cron"},
		{"0 30 2 * * *", "UTC", 0, "cron"},
		{"CRON_TZ=UTC 30 2 * * *", "UTC", 0, "cron"},
		{"@every 1h", "UTC", 0, "cron"},
		{"30 2 * * *", "Berlin", 0, "time_zone"},
		{"30 2 * * *", "Local", 0, "time_zone"},
		{"30 2 * * *", "../../etc/passwd", 0, "time_zone"},
		{"0 * * * *", "UTC", 59 * time.Minute, ""},
		{"0 * * * *", "UTC", time.Hour, "jitter"},
		{"0 2,5 * * 1", "UTC", 6 * time.Hour, "jitter"},
		{"0 0,23 15,16 * *", "UTC", 2 * time.Hour, "jitter"},
		{"30 2 * * *", "Europe/Berlin", 6 * time.Hour, ""},
	} {
		var field, message string
		e := schedule.Entry{Cron: tt.cron, TimeZone: tt.zone, Jitter: config.Duration(tt.jitter)}
		e.Validate(func(f, _, m, hint string) {
			field, message = f, m
			if hint == "" {
				t.Errorf("%s: no hint", tt.cron)
			}
		})
		if field != tt.field {
			t.Errorf("%s in %s: a problem of %q: %s", tt.cron, tt.zone, field, message)
		}
	}
}
