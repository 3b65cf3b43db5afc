//! The circuit breaker: closed, open, half-open. Must never read a clock, roll dice, take a lock or touch a network: all of
//! it is given.
//!
//! While it is open nobody waits for the server. A prober in the background asks it now and then, one probe at a time, as
//! long as somebody is interested; the first good answer closes the breaker.

use std::time::{Duration, Instant};

/// When to open, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    /// This many failures in a row open it.
    pub(crate) failures: u32,
    /// The pause before the first probe.
    pub(crate) shortest: Duration,
    /// Pauses double up to this.
    pub(crate) longest: Duration,
}

/// A probe that has not come back by then is taken for lost.
pub(crate) const PROBE_LIMIT: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(crate) struct Breaker {
    rules: Rules,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Closed {
        failures: u32,
    },
    Open {
        until: Instant,
        pause: Duration,
        /// Somebody was refused since it opened or since the last probe.
        asked: bool,
        /// A prober sleeps until then; otherwise the next call starts one.
        prober: bool,
    },
    HalfOpen {
        until: Instant,
        pause: Duration,
    },
}

/// What a call may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pass {
    /// Go ahead.
    Go,
    /// Fail at once.
    Refused,
    /// Fail at once, and start a prober that probes now.
    RefusedAndProbe,
}

/// What the prober does after its sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Probe, and report with [`Breaker::probed`].
    Probe,
    /// Nobody is interested: end. The next call starts a new one.
    Rest,
}

/// What an outside observer sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    Closed,
    Open,
    HalfOpen,
}

impl Breaker {
    pub(crate) fn new(rules: Rules) -> Self {
        Self { rules, state: State::Closed { failures: 0 } }
    }

    /// Whether a call would go through and an answer would change nothing.
    pub(crate) fn is_calm(&self) -> bool {
        matches!(self.state, State::Closed { failures: 0 })
    }

    /// A call wants to go through.
    pub(crate) fn pass(&mut self, now: Instant) -> Pass {
        match &mut self.state {
            State::Closed { .. } => Pass::Go,
            State::Open { asked, prober: true, until, .. } if now < *until + PROBE_LIMIT => {
                *asked = true;
                Pass::Refused
            }
            State::HalfOpen { until, .. } if now < *until => Pass::Refused,
            // The prober went to rest, or was lost with its driver.
            State::Open { pause, .. } | State::HalfOpen { pause, .. } => {
                self.state = State::HalfOpen { until: now + PROBE_LIMIT, pause: *pause };
                Pass::RefusedAndProbe
            }
        }
    }

    /// An operation was answered. Answers that come while it is open are late and prove nothing: the probe decides.
    pub(crate) fn worked(&mut self) {
        if let State::Closed { failures } = &mut self.state {
            *failures = 0;
        }
    }

    /// An operation failed. Gives the pause before the first probe if that opened the breaker.
    pub(crate) fn failed(&mut self, now: Instant, chance: f64) -> Option<Duration> {
        let State::Closed { failures } = &mut self.state else { return None };
        *failures = failures.saturating_add(1);
        if *failures < self.rules.failures { None } else { self.broke(now, chance) }
    }

    /// There is no connection to be had: opens at once. Gives the pause before the first probe if that opened it.
    pub(crate) fn broke(&mut self, now: Instant, chance: f64) -> Option<Duration> {
        matches!(self.state, State::Closed { .. }).then(|| self.open(now, self.rules.shortest, chance))
    }

    /// The prober slept for its pause.
    pub(crate) fn turn(&mut self, now: Instant) -> Turn {
        match &mut self.state {
            State::Open { asked: true, pause, prober: true, .. } => {
                self.state = State::HalfOpen { until: now + PROBE_LIMIT, pause: *pause };
                Turn::Probe
            }
            State::Open { asked: false, prober, .. } => {
                *prober = false;
                Turn::Rest
            }
            // Another prober took over while this one was lost.
            _ => Turn::Rest,
        }
    }

    /// The probe came back. Gives the pause before the next one if it failed.
    pub(crate) fn probed(&mut self, good: bool, now: Instant, chance: f64) -> Option<Duration> {
        let State::HalfOpen { pause, .. } = self.state else { return None };
        if good {
            self.state = State::Closed { failures: 0 };
            return None;
        }
        Some(self.open(now, pause.saturating_mul(2).min(self.rules.longest), chance))
    }

    pub(crate) fn shown(&self) -> Shown {
        match self.state {
            State::Closed { .. } => Shown::Closed,
            State::Open { .. } => Shown::Open,
            State::HalfOpen { .. } => Shown::HalfOpen,
        }
    }

    /// `chance` in [0, 1) shortens the pause by up to half, so that many processes don't come back at one moment.
    fn open(&mut self, now: Instant, pause: Duration, chance: f64) -> Duration {
        let jittered = pause.mul_f64(1.0 - chance.clamp(0.0, 1.0) / 2.0);
        self.state = State::Open { until: now + jittered, pause, asked: false, prober: true };
        jittered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules =
        Rules { failures: 3, shortest: Duration::from_millis(100), longest: Duration::from_millis(400) };

    /// All that can happen to a breaker.
    #[derive(Clone, Copy, Debug)]
    enum Event {
        Pass,
        Worked,
        Failed,
        Broke,
        Turn,
        Good,
        Bad,
        Wait,
        WaitLong,
    }

    const EVENTS: [Event; 9] = [
        Event::Pass,
        Event::Worked,
        Event::Failed,
        Event::Broke,
        Event::Turn,
        Event::Good,
        Event::Bad,
        Event::Wait,
        Event::WaitLong,
    ];

    struct World {
        breaker: Breaker,
        now: Instant,
        /// Probes that were ordered, by when they are taken for lost.
        probes: Vec<Instant>,
        row: u32,
    }

    impl World {
        fn new(now: Instant) -> Self {
            Self { breaker: Breaker::new(RULES), now, probes: Vec::new(), row: 0 }
        }

        fn ordered(&mut self) {
            self.probes.retain(|until| self.now < *until);
            assert!(self.probes.is_empty(), "two probes at a time");
            self.probes.push(self.now + PROBE_LIMIT);
        }

        fn opened(&mut self, pause: Option<Duration>) {
            let Some(pause) = pause else { return };
            assert_eq!(self.breaker.shown(), Shown::Open);
            assert!(pause >= RULES.shortest / 2 && pause <= RULES.longest, "{pause:?}");
            self.probes.clear();
            self.row = 0;
        }

        fn happen(&mut self, event: Event) {
            let before = self.breaker.shown();
            match event {
                Event::Pass => match self.breaker.pass(self.now) {
                    Pass::Go => assert_eq!(before, Shown::Closed),
                    Pass::Refused => assert_ne!(before, Shown::Closed),
                    Pass::RefusedAndProbe => self.ordered(),
                },
                Event::Worked => {
                    self.breaker.worked();
                    assert_eq!(self.breaker.shown(), before, "an answer neither opens nor closes");
                    self.row = 0;
                }
                Event::Failed => {
                    self.row += u32::from(before == Shown::Closed);
                    let pause = self.breaker.failed(self.now, 0.5);
                    assert_eq!(pause.is_some(), before == Shown::Closed && self.row >= RULES.failures);
                    self.opened(pause);
                }
                Event::Broke => {
                    let pause = self.breaker.broke(self.now, 0.5);
                    assert_eq!(pause.is_some(), before == Shown::Closed);
                    self.opened(pause);
                }
                Event::Turn => {
                    if self.breaker.turn(self.now) == Turn::Probe {
                        self.ordered();
                    }
                }
                Event::Good | Event::Bad => {
                    let good = matches!(event, Event::Good);
                    let pause = self.breaker.probed(good, self.now, 0.5);
                    assert_eq!(pause.is_some(), before == Shown::HalfOpen && !good);
                    if before == Shown::HalfOpen && good {
                        assert_eq!(self.breaker.shown(), Shown::Closed);
                        self.probes.clear();
                        self.row = 0;
                    }
                    self.opened(pause);
                }
                Event::Wait => self.now += Duration::from_millis(150),
                Event::WaitLong => self.now += 2 * PROBE_LIMIT,
            }
        }

        /// Whatever happened, interest and a server that is well close it in the end.
        fn recovers(&mut self) {
            for _ in 0..4 {
                self.now += 2 * PROBE_LIMIT;
                if self.breaker.pass(self.now) == Pass::Go {
                    return;
                }
                let _ = self.breaker.turn(self.now);
                let _ = self.breaker.probed(true, self.now, 0.0);
            }
            panic!("stuck in {:?}", self.breaker);
        }
    }

    #[test]
    fn every_sequence_of_six_events_keeps_the_rules_and_recovers() {
        let start = Instant::now();
        let mut sequences = 0;
        for number in 0..EVENTS.len().pow(6) {
            let mut world = World::new(start);
            let mut rest = number;
            for _ in 0..6 {
                world.happen(EVENTS[rest % EVENTS.len()]);
                rest /= EVENTS.len();
            }
            world.recovers();
            sequences += 1;
        }
        assert_eq!(sequences, 531_441);
    }

    #[test]
    fn it_opens_after_failures_in_a_row_only() {
        let now = Instant::now();
        let mut breaker = Breaker::new(RULES);
        for _ in 0..10 {
            assert_eq!(breaker.failed(now, 0.0), None);
            assert_eq!(breaker.failed(now, 0.0), None);
            breaker.worked();
        }
        assert_eq!(breaker.failed(now, 0.0), None);
        assert_eq!(breaker.failed(now, 0.0), None);
        assert_eq!(breaker.failed(now, 0.0), Some(RULES.shortest));
        assert_eq!(breaker.pass(now), Pass::Refused);
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_start_anew_after_a_recovery() {
        let now = Instant::now();
        let mut breaker = Breaker::new(RULES);
        let mut pause = breaker.broke(now, 0.0);
        for millis in [100, 200, 400, 400, 400] {
            assert_eq!(pause, Some(Duration::from_millis(millis)));
            assert_eq!(breaker.pass(now), Pass::Refused);
            assert_eq!(breaker.turn(now), Turn::Probe);
            pause = breaker.probed(false, now, 0.0);
        }
        assert_eq!(breaker.pass(now), Pass::Refused);
        assert_eq!(breaker.turn(now), Turn::Probe);
        assert_eq!(breaker.probed(true, now, 0.0), None);
        assert_eq!(breaker.pass(now), Pass::Go);
        assert_eq!(breaker.broke(now, 0.0), Some(RULES.shortest));
    }

    #[test]
    fn nobody_asks_then_nobody_probes_until_somebody_does() {
        let now = Instant::now();
        let mut breaker = Breaker::new(RULES);
        assert!(breaker.broke(now, 0.0).is_some());
        assert_eq!(breaker.turn(now), Turn::Rest);
        assert_eq!(breaker.pass(now), Pass::RefusedAndProbe);
        assert_eq!(breaker.pass(now), Pass::Refused, "one probe at a time");
        assert_eq!(breaker.probed(true, now, 0.0), None);
        assert_eq!(breaker.pass(now), Pass::Go);
    }

    #[test]
    fn a_lost_probe_is_replaced() {
        let now = Instant::now();
        let mut breaker = Breaker::new(RULES);
        assert!(breaker.broke(now, 0.0).is_some());
        assert_eq!(breaker.pass(now), Pass::Refused);
        assert_eq!(breaker.turn(now), Turn::Probe);
        assert_eq!(breaker.pass(now + PROBE_LIMIT / 2), Pass::Refused);
        assert_eq!(breaker.pass(now + PROBE_LIMIT), Pass::RefusedAndProbe);
    }

    #[test]
    fn jitter_takes_up_to_half_of_the_pause() {
        let now = Instant::now();
        for (chance, millis) in [(0.0, 100), (0.5, 75), (1.0, 50), (7.0, 50), (-1.0, 100)] {
            let mut breaker = Breaker::new(RULES);
            assert_eq!(breaker.broke(now, chance), Some(Duration::from_millis(millis)));
        }
    }
}
