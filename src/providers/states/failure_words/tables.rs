//! Words and phrases that describe a failure or negate it.

/// Prefixes and suffixes of words that describe a failure.
pub(super) const FAILURE_WORDS: &[&str] = &[
    "abnormal",
    "aborted",
    "coredump",
    "crash",
    "crashed",
    "died",
    "errimagepull",
    "error",
    "errors",
    "evicted",
    "exceeded",
    "exception",
    "failed",
    "failure",
    "fault",
    "imagepullbackoff",
    "insufficient",
    "killed",
    "lost",
    "nonzeroexit",
    "outofdisk",
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
    "traceback",
    "unsuccessful",
];

/// Several words that describe a failure, even after a negation.
pub(super) const FAILURE_PHRASES: &[&str] = &["no space left", "not succeed", "not succeeded"];

/// Several words that describe a failure, unless a word before them negates them.
pub(super) const NEGATABLE_PHRASES: &[&str] = &[
    "can not allocate",
    "canceled by admin",
    "canceled by administrator",
    "canceled by system",
    "canceled by user",
    "cancelled by admin",
    "cancelled by administrator",
    "cancelled by system",
    "cancelled by user",
    "cannot allocate",
    "connection refused",
    "connection reset",
    "core dump",
    "core dumped",
    "disk full",
    "disk is full",
    "dumped core",
    "exited non zero",
    "exited nonzero",
    "exited unexpectedly",
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
    "not complete",
    "not completed",
    "not finish",
    "not finished",
    "not successful",
    "out of disk",
    "out of memory",
    "reached time limit",
    "returned non zero",
    "returned nonzero",
    "stopped by admin",
    "stopped by administrator",
    "stopped by system",
    "stopped by user",
    "stopped manually",
    "terminated by admin",
    "terminated by administrator",
    "terminated by system",
    "terminated by user",
    "terminated unexpectedly",
    "time limit reached",
    "time out",
    "timed out",
    "times out",
    "timing out",
    "unable to allocate",
    "unexpected exit",
    "unexpected termination",
];

/// Words that describe a failure, but only as a whole word: `failover` and `preemptible` do not.
pub(super) const WHOLE_FAILURE_WORDS: &[&str] = &[
    "evict",
    "eviction",
    "evictions",
    "evicts",
    "exceed",
    "exceeding",
    "exceeds",
    "fail",
    "failing",
    "fails",
    "fatal",
    "keyboardinterrupt",
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
    ("core dump", &["disabled", "enabled"]),
    ("coredump", &["disabled", "enabled"]),
    ("coredumps", &["disabled", "enabled"]),
    ("eviction", &["disabled", "enabled", "policy"]),
    ("preemption", &["disabled", "enabled", "policy"]),
    ("sighup", &["handler", "ignored"]),
    ("sigint", &["handler", "ignored"]),
    ("sigpipe", &["handler", "ignored"]),
    ("sigquit", &["handler", "ignored"]),
    ("sigterm", &["handler", "ignored"]),
    ("time out", &["of "]),
];

/// Words that describe a failure as a whole word, also as a part of a name such as `JobHanged`: `unchanged` and
/// `hangzhou` do not.
pub(super) const NAME_WORDS: &[&str] = &[
    "abort",
    "aborting",
    "aborts",
    "arrears",
    "expired",
    "hang",
    "hanged",
    "hanging",
    "hangs",
    "hung",
    "interrupted",
    "overdue",
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

/// Other forms of [`EXIT_WORDS`], and words after which no number is expected: `退出状态：正常`.
pub(super) const EXIT_PHRASES: &[(&str, &str)] = &[
    ("return code", "returncode"),
    ("return_code", "returncode"),
    ("return value", "returncode"),
    ("return_value", "returncode"),
    ("正常", " normal "),
    ("成功", " success "),
    ("退出状态码", " exit "),
    ("退出状态", " exit "),
    ("返回值", " exit "),
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
    "出错",
    "报错",
    "未成功",
    "没有成功",
    "没成功",
    "未完成",
    "没有完成",
    "没完成",
    "未能",
    "显存不足",
    "显存溢出",
    "配额不足",
    "库存不足",
    "磁盘已满",
    "空间已满",
    "非零退出",
    "非0退出",
    "非正常",
    "强制终止",
    "强制停止",
    "强制结束",
    "管理员终止",
    "管理员停止",
    "系统终止",
    "系统停止",
    "实例被回收",
    "实例已被回收",
    "节点被回收",
    "宕机",
    "掉卡",
    "掉线",
    "卡死",
    "超过最大运行",
    "超出最大运行",
    "达到最大运行",
    "超过时限",
    "任务过期",
    "作业过期",
    "驱逐",
];

/// Chinese words of [`CHINESE_FAILURE_WORDS`] that do not describe a failure before or after other words, such as
/// `抢占式实例` (spot instance): the word, what precedes it, and what follows it.
pub(super) const CHINESE_SETTINGS: &[(&str, &[&str], &[&str])] = &[
    (
        "抢占",
        &["可", "可以", "支持", "允许", "非", "不"],
        &["式", "型", "策略", "实例", "调度"],
    ),
    (
        "驱逐",
        &["可", "可以", "支持", "允许", "非", "不"],
        &["策略"],
    ),
    ("任务过期", &[], &["时间"]),
    ("作业过期", &[], &["时间"]),
    ("手动停止", &["可", "可以", "支持", "允许"], &[]),
    ("手动终止", &["可", "可以", "支持", "允许"], &[]),
];

/// Words that negate the failure word after them.
pub(super) const NEGATIONS: &[&str] = &["no", "non", "not", "without", "zero"];

/// Chinese negations; one of [`CHINESE_FILLERS`] may follow before the failure word.
pub(super) const CHINESE_NEGATIONS: &[&str] = &["无", "未", "没", "没有", "不", "不会", "不存在"];

/// Words between a negation and what it negates: `未发现异常`.
pub(super) const CHINESE_FILLERS: &[&str] = &["发生", "出现", "发现", "检测到", "任何", "被"];

/// Words between a failure and its number or value: `失败节点数：0`, `错误信息：无`.
pub(super) const CHINESE_COUNTS: &[&str] = &[
    "重试次数",
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
    "代码",
    "码",
    "信息",
    "原因",
];

/// Words between the number 0 and a failure, or after the number: `0个失败`, `失败 0 个`.
pub(super) const CHINESE_UNITS: &[&str] = &["个", "次", "项", "台"];

/// Words between [`CHINESE_UNITS`] and a failure: `0个任务失败`.
pub(super) const CHINESE_PARTS: &[&str] = &["任务", "作业", "节点", "实例", "容器", "进程"];

/// Words after a failure that make it the name of a feature, if one of [`CHINESE_SWITCHES`] follows.
pub(super) const CHINESE_FEATURES: &[&str] = &["保护", "提醒", "告警", "通知", "检测", "功能"];

/// Words that turn a feature on or off.
pub(super) const CHINESE_SWITCHES: &[&str] = &["启用", "开启", "关闭", "禁用", "停用"];

/// Words between a failure and its number or value: `preemption count: 0`, `error code: 0`.
pub(super) const COUNTS: &[&str] = &["count", "counts", "code", "message"];

/// Parts of a job, between the number 0 and a failure as in `0 tests failed`, or before an index as in `worker 0
/// failed`.
pub(super) const PARTS: &[&str] = &[
    "container",
    "device",
    "gpu",
    "instance",
    "job",
    "node",
    "npu",
    "pod",
    "process",
    "rank",
    "replica",
    "step",
    "task",
    "test",
    "worker",
];

/// Values of a flag that is not set.
pub(super) const UNSET: &[&str] = &["false", "no", "off", "disabled", "否"];

/// Prefixes of words that can be the name of a flag: `evicted: no`.
pub(super) const FLAGS: &[&str] = &["abort", "evict", "isfailed", "oom", "preempt"];

/// Values that mean that nothing has failed: `error: null`.
pub(super) const NONE: &[&str] = &["0", "无", "none", "null", "\"\"", "''", "-"];

/// Units of a duration: `timeout: 3600s`.
pub(super) const DURATIONS: &[&str] = &["", "s", "m", "min", "h", "秒", "分钟", "小时"];

/// Characters that end a value, so that other words do not belong to it.
pub(super) const ENDS: &[char] = &[',', ';', ')', ']', '}', '|', '\n', '，', '；', '。', '）'];
