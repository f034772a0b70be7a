//! Words and phrases that describe a failure or negate it.

/// Prefixes and suffixes of words that describe a failure.
pub(super) const FAILURE_WORDS: &[&str] = &[
    "abnormal",
    "aborted",
    "coredumped",
    "crash",
    "crashed",
    "died",
    "error",
    "errors",
    "evicted",
    "exceeded",
    "exception",
    "failed",
    "failure",
    "fault",
    "killed",
    "lost",
    "nonzeroexit",
    "outofmemory",
    "panic",
    "preempted",
    "sigabrt",
    "sigbus",
    "sigfpe",
    "sighup",
    "sigill",
    "sigint",
    "sigkill",
    "sigpipe",
    "sigquit",
    "sigsegv",
    "sigsys",
    "sigterm",
    "sigtrap",
    "sigxcpu",
    "sigxfsz",
    "timeout",
    "unsuccessful",
];

/// Several words that describe a failure, even after a negation.
pub(super) const FAILURE_PHRASES: &[&str] = &["no space left", "not succeed", "not succeeded"];

/// Several words that describe a failure, unless a word before them negates them.
pub(super) const NEGATABLE_PHRASES: &[&str] = &[
    "canceled by the user",
    "canceled by user",
    "cancelled by the user",
    "cancelled by user",
    "core dumped",
    "dumped core",
    "exited non zero",
    "exited nonzero",
    "insufficient balance",
    "insufficient memory",
    "insufficient resource",
    "interrupted by the user",
    "interrupted by user",
    "manually stopped",
    "manually terminated",
    "non zero code",
    "non zero exit",
    "non zero exitcode",
    "non zero return",
    "non zero status",
    "nonzero code",
    "nonzero exit",
    "nonzero exitcode",
    "nonzero return",
    "nonzero status",
    "out of memory",
    "overdue payment",
    "returned non zero",
    "returned nonzero",
    "stopped by the user",
    "stopped by user",
    "stopped manually",
    "terminated by the user",
    "terminated by user",
    "time out",
    "timed out",
    "times out",
    "timing out",
];

/// Words that describe a failure, but only as a whole word: `failover` and `preemptible` do not.
pub(super) const WHOLE_FAILURE_WORDS: &[&str] = &[
    "evict",
    "eviction",
    "evictions",
    "evicts",
    "fail",
    "failing",
    "fails",
    "oom",
    "oomkill",
    "oomkiller",
    "preempt",
    "preempting",
    "preemption",
    "preemptions",
    "preempts",
];

/// Words after one that describes a failure that make it the name of a setting, such as `preemption policy`.
pub(super) const SETTINGS: &[(&str, &[&str])] = &[
    ("eviction", &["disabled", "enabled", "policy"]),
    ("preemption", &["disabled", "enabled", "policy"]),
    ("sighup", &["handler", "ignored"]),
    ("sigint", &["handler", "ignored"]),
    ("sigpipe", &["handler", "ignored"]),
    ("sigquit", &["handler", "ignored"]),
    ("sigterm", &["handler", "ignored"]),
];

/// Words that describe a failure as a whole word, also as a part of a name such as `JobHanged`: `unchanged` and
/// `hangzhou` do not.
pub(super) const NAME_WORDS: &[&str] = &[
    "abort", "aborting", "aborts", "expired", "hang", "hanged", "hanging", "hangs", "hung",
    "timedout",
];

/// Words after which an exit code or the number of a signal follows.
pub(super) const EXIT_WORDS: &[&str] = &[
    "exit",
    "exitcode",
    "exited",
    "exits",
    "exitstatus",
    "returncode",
    "signal",
];

/// Words between one of [`EXIT_WORDS`] and the number.
pub(super) const EXIT_FILLERS: &[&str] = &[
    "a", "by", "code", "is", "number", "of", "status", "value", "was", "with",
];

/// Other forms of [`EXIT_WORDS`].
pub(super) const EXIT_PHRASES: &[(&str, &str)] = &[
    ("return code", "returncode"),
    ("return_code", "returncode"),
    ("退出状态码", " exit "),
    ("退出代码", " exit "),
    ("退出码", " exit "),
    ("返回码", " exit "),
    ("信号", " signal "),
];

/// Chinese words that describe a failure.
pub(super) const CHINESE_FAILURE_WORDS: &[&str] = &[
    "失败",
    "异常",
    "故障",
    "错误",
    "超时",
    "崩溃",
    "不成功",
    "内存不足",
    "内存溢出",
    "核心转储",
    "空间不足",
    "资源不足",
    "余额不足",
    "欠费",
    "已过期",
    "被终止",
    "被驱逐",
    "被抢占",
    "被杀",
    "被中断",
    "已中断",
    "训练中断",
    "任务中断",
    "作业中断",
    "手动停止",
    "手动终止",
    "用户停止",
    "用户终止",
    "用户取消",
    "失联",
    "抢占",
    "挂死",
];

/// Chinese words of [`CHINESE_FAILURE_WORDS`] that do not describe a failure before or after other words, such as
/// `抢占式实例` (spot instance): the word, what precedes it, and what follows it.
pub(super) const CHINESE_SETTINGS: &[(&str, &[&str], &[&str])] = &[
    (
        "抢占",
        &["可", "可以", "支持", "允许", "非", "不"],
        &["式", "型", "策略", "实例", "调度"],
    ),
    ("手动停止", &["可", "可以", "支持", "允许"], &[]),
    ("手动终止", &["可", "可以", "支持", "允许"], &[]),
];

/// Words that negate the failure word after them.
pub(super) const NEGATIONS: &[&str] = &["no", "not", "without", "zero"];

/// Chinese negations; one of [`CHINESE_FILLERS`] may follow before the failure word.
pub(super) const CHINESE_NEGATIONS: &[&str] = &["无", "未", "没有", "不存在"];

/// Words between a negation and what it negates: `未发现异常`.
pub(super) const CHINESE_FILLERS: &[&str] = &["发生", "出现", "发现", "检测到", "任何", "被"];

/// Words between a failure and the number of its occurrences: `失败节点数：0`.
pub(super) const CHINESE_COUNTS: &[&str] = &[
    "节点数",
    "任务数",
    "作业数",
    "进程数",
    "容器数",
    "实例数",
    "次数",
    "个数",
    "数量",
    "数",
];

/// Words between a failure and the number of its occurrences: `preemption count: 0`.
pub(super) const COUNTS: &[&str] = &["count", "counts"];

/// Values of a flag that is not set.
pub(super) const UNSET: &[&str] = &["false", "否"];
