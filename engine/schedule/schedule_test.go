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
		full  bool
	}{
		{"the same day", schedule.Schedule{nightly}, "2026-11-30 01:00 +0100", "2026-11-30 02:30 +0100", false},
		{"not the same minute", schedule.Schedule{nightly}, "2026-11-30 02:30 +0100", "2026-12-01 02:30 +0100", false},
		{"two at once are one full run", schedule.Schedule{nightly, weekly}, "2026-12-05 12:00 +0100",
			"2026-12-06 02:30 +0100", true},
		{"the earliest", schedule.Schedule{weekly, nightly}, "2026-11-30 12:00 +0100", "2026-12-01 02:30 +0100", false},
		{"UTC", schedule.Schedule{{Cron: "@daily", TimeZone: "UTC"}}, "2026-11-30 12:00 +0100",
			"2026-12-01 00:00 +0000", false},
		{"the clocks go forward", schedule.Schedule{nightly}, "2027-03-27 12:00 +0100", "2027-03-28 03:30 +0200", false},
		{"after they went forward", schedule.Schedule{nightly}, "2027-03-28 03:30 +0200", "2027-03-29 02:30 +0200", false},
		{"the clocks go back", schedule.Schedule{nightly}, "2026-10-24 12:00 +0200", "2026-10-25 02:30 +0200", false},
		{"29 February", schedule.Schedule{{Cron: "0 0 29 2 *", TimeZone: "UTC"}}, "2026-11-30 12:00 +0100",
			"2028-02-29 00:00 +0000", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			due, ok := tt.s.Next(at(tt.after))
			if !ok || !due.At.Equal(at(tt.want)) || due.Full != tt.full {
				t.Errorf("got %v, full %v, want %s", due.At, due.Full, tt.want)
			}
		})
	}
	if due, ok := (schedule.Schedule{}).Next(time.Now()); ok {
		t.Errorf("no schedule is due at %v", due.At)
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

func TestStart(t *testing.T) {
	s := schedule.Schedule{{Cron: "30 2 * * *", TimeZone: "UTC", Jitter: config.Duration(10 * time.Minute)}}
	first, _ := s.Next(at("2026-11-30 10:00 +0000"))
	starts := map[time.Duration]bool{}
	for i := range 50 {
		start := first.Start(fmt.Sprint("catalog-", i))
		if again := first.Start(fmt.Sprint("catalog-", i)); !again.Equal(start) {
			t.Fatalf("the delay is once %v and once %v", start, again)
		}
		delay := start.Sub(first.At)
		if delay < 0 || delay >= 10*time.Minute {
			t.Fatalf("the delay is %v", delay)
		}
		starts[delay.Truncate(time.Minute)] = true
	}
	if len(starts) < 8 {
		t.Errorf("50 pipelines begin within %d of 10 minutes", len(starts))
	}
}

func TestValidate(t *testing.T) {
	for _, tt := range []struct{ cron, zone, field string }{
		{"30 2 * * *", "Europe/Berlin", ""},
		{"@weekly", "UTC", ""},
		{"30 2 * * mon-fri", "UTC", ""},
		{"0 0 30 2 *", "UTC", "cron"},
		{"30 25 * * *", "UTC", "cron"},
		{"every night", "UTC", "cron"},
		{"0 30 2 * * *", "UTC", "cron"},
		{"CRON_TZ=UTC 30 2 * * *", "UTC", "cron"},
		{"@every 1h", "UTC", "cron"},
		{"30 2 * * *", "Berlin", "time_zone"},
		{"30 2 * * *", "Local", "time_zone"},
		{"30 2 * * *", "../../etc/passwd", "time_zone"},
	} {
		var field, message string
		(&schedule.Entry{Cron: tt.cron, TimeZone: tt.zone}).Validate(func(f, _, m, hint string) {
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
