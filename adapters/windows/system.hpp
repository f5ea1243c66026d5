// Threads, locks and time by the Windows API: the win32 flavour of mingw-w64 has no std::thread.
#pragma once

#include <windows.h>

#include <deque>
#include <functional>
#include <memory>
#include <utility>

class Lock {
public:
    Lock() { InitializeSRWLock(&inner); }
    Lock(const Lock &) = delete;
    void enter() { AcquireSRWLockExclusive(&inner); }
    void leave() { ReleaseSRWLockExclusive(&inner); }
    SRWLOCK inner;
};

// Holds a lock as long as it lives.
class Holding {
public:
    explicit Holding(Lock &lock) : lock(lock) { lock.enter(); }
    Holding(const Holding &) = delete;
    ~Holding() { lock.leave(); }
    Lock &lock;
};

class Condition {
public:
    Condition() { InitializeConditionVariable(&inner); }
    Condition(const Condition &) = delete;
    // Waits for a wake-up; false after `ms` milliseconds without one.
    bool wait(Holding &holding, DWORD ms = INFINITE) { return SleepConditionVariableSRW(&inner, &holding.lock.inner, ms, 0) != 0; }
    void wake_all() { WakeAllConditionVariable(&inner); }
    CONDITION_VARIABLE inner;
};

using Task = std::function<void()>;

// Runs a task on a thread of its own, inside the multithreaded apartment.
void spawn(Task task);

// Runs its tasks in order, on one thread.
class Worker {
public:
    Worker() : shared(std::make_shared<Shared>()) {
        auto queue = shared;
        spawn([queue] { run(*queue); });
    }
    void post(Task task) {
        Holding holding(shared->lock);
        shared->tasks.push_back(std::move(task));
        shared->wake.wake_all();
    }

private:
    struct Shared {
        Lock lock;
        Condition wake;
        std::deque<Task> tasks;
    };
    static void run(Shared &queue) {
        for (;;) {
            Task task;
            {
                Holding holding(queue.lock);
                while (queue.tasks.empty()) queue.wake.wait(holding);
                task = std::move(queue.tasks.front());
                queue.tasks.pop_front();
            }
            task();
        }
    }
    std::shared_ptr<Shared> shared;
};

// Runs tasks in any order; grows while all of its threads are busy, because a call may block for long.
class Pool {
public:
    explicit Pool(int most) : shared(std::make_shared<Shared>()), most(most) {}
    void post(Task task) {
        auto pool = shared;
        Holding holding(pool->lock);
        pool->tasks.push_back(std::move(task));
        if (pool->idle < (int)pool->tasks.size() && pool->threads < most) {
            pool->threads++;
            spawn([pool] { run(*pool); });
        }
        pool->wake.wake_all();
    }

private:
    struct Shared {
        Lock lock;
        Condition wake;
        std::deque<Task> tasks;
        int threads = 0, idle = 0;
    };
    static void run(Shared &pool) {
        for (;;) {
            Task task;
            {
                Holding holding(pool.lock);
                pool.idle++;
                while (pool.tasks.empty()) pool.wake.wait(holding);
                pool.idle--;
                task = std::move(pool.tasks.front());
                pool.tasks.pop_front();
            }
            task();
        }
    }
    std::shared_ptr<Shared> shared;
    int most;
};

// Microseconds of a clock that only goes forward.
inline long long now_us() {
    static LARGE_INTEGER frequency = [] {
        LARGE_INTEGER f;
        QueryPerformanceFrequency(&f);
        return f;
    }();
    LARGE_INTEGER count;
    QueryPerformanceCounter(&count);
    return (long long)((double)count.QuadPart * 1e6 / (double)frequency.QuadPart);
}

// Waits until that moment: sleeps while it is far, then spins.
inline void wait_until_us(long long moment) {
    for (;;) {
        long long left = moment - now_us();
        if (left <= 0) return;
        if (left > 3000) Sleep((DWORD)((left - 2000) / 1000));
        else if (left > 300) SwitchToThread();
    }
}
