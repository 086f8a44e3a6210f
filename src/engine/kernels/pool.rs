//! The threads that compute. They live as long as the model, wait busily for a
//! moment after each piece of work (the next one usually comes within
//! microseconds) and then sleep.

use std::any::Any;
use std::hint::spin_loop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{JoinHandle, Thread};

/// Rounds of busy waiting before a thread sleeps: some tens of microseconds.
const PATIENCE: u32 = 4000;

type Work<'a> = dyn Fn(usize) + Sync + 'a;

/// A piece of work, whose lifetime [`Pool::run`] vouches for.
#[derive(Clone, Copy)]
struct WorkPointer(*const Work<'static>);

// SAFETY: points to something `Sync` that outlives its use (see `Pool::run`).
#[allow(unsafe_code)]
unsafe impl Send for WorkPointer {}

#[derive(Default)]
struct Shared {
    /// Counts pieces of work.
    round: AtomicUsize,
    work: Mutex<Option<WorkPointer>>,
    /// Threads that are not done with the round.
    pending: AtomicUsize,
    sleeping: Vec<AtomicBool>,
    failure: Mutex<Option<Box<dyn Any + Send>>>,
    closed: AtomicBool,
}

/// A number of threads, the caller's among them.
pub(crate) struct Pool {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    handles: Vec<Thread>,
}

impl Pool {
    /// Starts so many threads less one; 0: as many as there are cores.
    pub(crate) fn new(threads: usize) -> std::io::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let wanted = if threads == 0 { cores } else { threads };
        let shared = Arc::new(Shared {
            sleeping: (1..wanted).map(|_| AtomicBool::new(false)).collect(),
            ..Shared::default()
        });
        let mut pool = Self {
            shared,
            threads: Vec::new(),
            handles: Vec::new(),
        };
        for number in 1..wanted {
            let shared = Arc::clone(&pool.shared);
            let thread = std::thread::Builder::new()
                .name(format!("inference {number}"))
                .spawn(move || serve(&shared, number))?;
            pool.handles.push(thread.thread().clone());
            pool.threads.push(thread);
        }
        Ok(pool)
    }

    /// The calling thread and no other.
    pub(crate) fn alone() -> Self {
        Self {
            shared: Arc::default(),
            threads: Vec::new(),
            handles: Vec::new(),
        }
    }

    /// How many threads work.
    pub(crate) fn size(&self) -> usize {
        self.threads.len() + 1
    }

    /// Calls `work` once on each thread, with the thread's number; returns
    /// when all are done. A panic in any of them is passed on.
    pub(crate) fn run(&mut self, work: &Work<'_>) {
        if self.threads.is_empty() {
            return work(0);
        }
        let pointer: *const Work<'_> = work;
        // SAFETY: the threads use it only until `pending` is 0, which is
        // awaited below before `work` ends.
        #[allow(unsafe_code)]
        let pointer = WorkPointer(unsafe {
            std::mem::transmute::<*const Work<'_>, *const Work<'static>>(pointer)
        });
        *lock(&self.shared.work) = Some(pointer);
        self.shared
            .pending
            .store(self.threads.len(), Ordering::SeqCst);
        self.shared.round.fetch_add(1, Ordering::SeqCst);
        for (sleeping, thread) in self.shared.sleeping.iter().zip(&self.handles) {
            if sleeping.swap(false, Ordering::SeqCst) {
                thread.unpark();
            }
        }
        let own = catch_unwind(AssertUnwindSafe(|| work(0)));
        let mut waited = 0;
        while self.shared.pending.load(Ordering::Acquire) > 0 {
            waited += 1;
            if waited % PATIENCE == 0 {
                std::thread::yield_now();
            }
            spin_loop();
        }
        *lock(&self.shared.work) = None;
        let theirs = lock(&self.shared.failure).take();
        if let Some(panic) = own.err().or(theirs) {
            resume_unwind(panic);
        }
    }

    /// Calls `work` with (thread, item) for each item; whoever is free takes
    /// the next `chunk` of them, so that a thread that the machine slows down
    /// does less.
    pub(crate) fn each(&mut self, items: usize, chunk: usize, work: impl Fn(usize, usize) + Sync) {
        let chunk = chunk.max(1);
        if items <= chunk {
            return (0..items).for_each(|item| work(0, item));
        }
        let next = AtomicUsize::new(0);
        self.run(&|thread| {
            loop {
                let from = next.fetch_add(chunk, Ordering::Relaxed);
                if from >= items {
                    break;
                }
                for item in from..items.min(from + chunk) {
                    work(thread, item);
                }
            }
        });
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        self.shared.round.fetch_add(1, Ordering::SeqCst);
        for thread in &self.handles {
            thread.unpark();
        }
        for thread in self.threads.drain(..) {
            // Its panics have been passed on.
            let _ = thread.join();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(shared: &Shared, number: usize) {
    let mut seen = 0;
    loop {
        let mut waited = 0;
        while shared.round.load(Ordering::SeqCst) == seen {
            waited += 1;
            if waited < PATIENCE {
                spin_loop();
                continue;
            }
            shared.sleeping[number - 1].store(true, Ordering::SeqCst);
            // Work that came before the flag was seen would not wake it.
            if shared.round.load(Ordering::SeqCst) == seen {
                std::thread::park();
            }
            shared.sleeping[number - 1].store(false, Ordering::SeqCst);
        }
        seen = shared.round.load(Ordering::SeqCst);
        if shared.closed.load(Ordering::SeqCst) {
            return;
        }
        let work = *lock(&shared.work);
        if let Some(work) = work {
            // SAFETY: `run` does not return before `pending` is 0.
            #[allow(unsafe_code)]
            let work = unsafe { &*work.0 };
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| work(number))) {
                *lock(&shared.failure) = Some(panic);
            }
        }
        shared.pending.fetch_sub(1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_done_once_on_any_number_of_threads() {
        for threads in 1..5 {
            let mut pool = Pool::new(threads).unwrap();
            for items in [0, 1, 7, 1000] {
                let done: Vec<AtomicUsize> = (0..items).map(|_| AtomicUsize::new(0)).collect();
                pool.each(items, 3, |_, item| {
                    done[item].fetch_add(1, Ordering::Relaxed);
                });
                assert!(done.iter().all(|one| one.load(Ordering::Relaxed) == 1));
            }
        }
    }

    #[test]
    fn pool_goes_on_after_a_panic_and_after_a_rest() {
        let mut pool = Pool::new(3).unwrap();
        let failed = catch_unwind(AssertUnwindSafe(|| {
            pool.run(&|thread| assert_ne!(thread, 2, "on purpose"));
        }));
        assert!(failed.is_err());
        std::thread::sleep(std::time::Duration::from_millis(20));
        let count = AtomicUsize::new(0);
        pool.run(&|_| {
            count.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(count.load(Ordering::Relaxed), 3);
    }
}
