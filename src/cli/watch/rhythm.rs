//! When folder and dataset are compared: when the system tells of a change,
//! soon where something goes on, and now and then whatever is told.

use super::LOOK_EVERY;
use super::round::Round;
use super::wakes::Wakes;
use anyhow::Result;
use std::time::{Duration, Instant};

/// When to compare next.
pub(super) struct Rhythm {
    /// After so long everything is compared, whatever the system tells.
    rescan: Duration,
    /// When everything was compared last.
    compared: Instant,
    /// After which time something has to be looked at again.
    pause: Option<Duration>,
    /// Whether all that was added could be asked when it was looked last.
    is_settled: bool,
}

impl Rhythm {
    pub(super) fn new(rescan: Duration) -> Self {
        Self {
            rescan,
            compared: Instant::now(),
            pause: Some(Duration::ZERO),
            is_settled: false,
        }
    }

    /// Compares now.
    pub(super) fn compare(&mut self, round: &mut Round, wakes: &Wakes) -> Result<()> {
        self.pause = round.run(wakes)?;
        Ok(())
    }

    /// Looks whether all that was added can be asked by now, and sums up if so.
    pub(super) fn settle(&mut self, round: &mut Round) -> Result<()> {
        self.is_settled = round.settle()?;
        if self.is_settled && self.pause.is_none() && round.has_news() {
            round.conclude();
        }
        Ok(())
    }

    /// Waits for the next occasion to compare.
    pub(super) fn wait(&mut self, round: &mut Round, wakes: &Wakes) {
        let until_rescan = self.rescan.saturating_sub(self.compared.elapsed());
        let pause = self.pause.unwrap_or(until_rescan).min(until_rescan);
        wakes.wait(match self.is_settled {
            true => pause,
            false => LOOK_EVERY.min(pause),
        });
        if self.compared.elapsed() >= self.rescan {
            round.library.is_stale = true;
            self.compared = Instant::now();
        }
    }

    /// Everything is to be compared, and soon.
    pub(super) fn hurry(&mut self, round: &mut Round) {
        self.pause = Some(Duration::ZERO);
        round.library.is_stale = true;
    }
}
