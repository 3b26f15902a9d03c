#pragma once

// What the agent and the trainer agree on besides the event lines (proto/laptime/v1/trainer.proto):
// the command line and the exit codes. The one header of the trainer that the agent includes.
namespace laptime::trainer {

// Exit codes. Every end but kExitUsage is also told as an event, `finished` or `failed`, before the
// exit.
inline constexpr int kExitOk = 0;
inline constexpr int kExitUsage = 2;     // the command line or the configuration makes no sense
inline constexpr int kExitWorkload = 3;  // diverged, out of memory, impossible value: never retried
inline constexpr int kExitSetup = 4;     // data missing or damaged, unknown device: never retried
inline constexpr int kExitInfrastructure =
    5;                                  // an error of the framework or the driver: may be retried
inline constexpr int kExitStopped = 6;  // SIGTERM or SIGINT, obeyed between two steps

// laptime-trainer train --config FILE --device NAME [--data DIR] [--threads N] [--checkpoint FILE
// [--resume-at-most N]] [--parent-pid N | --parent-pipe FD]
// laptime-trainer probe --device NAME [--threads N] [--parent-pid N | --parent-pipe FD]
inline constexpr char kProgram[] = "laptime-trainer";
inline constexpr char kCommandTrain[] = "train";
inline constexpr char kCommandProbe[] = "probe";
inline constexpr char kFlagConfig[] = "--config";      // {"workload":NAME,"config":{key:value,…}}
inline constexpr char kFlagWorkload[] = "--workload";  // a preset's name, instead of --config
inline constexpr char kFlagSet[] = "--set";            // KEY=VALUE, may be repeated
inline constexpr char kFlagDevice[] = "--device";      // "cpu", "cuda:0", "mps"
inline constexpr char kFlagData[] = "--data";          // holds cifar-10-batches-bin or its files
inline constexpr char kFlagThreads[] = "--threads";    // CPU threads; default: the trainer's choice
inline constexpr char kFlagCheckpoint[] = "--checkpoint";  // a file to go on from and to keep
inline constexpr char kFlagResumeAtMost[] =
    "--resume-at-most";  // a checkpoint of more epochs than this is not gone on from
inline constexpr char kFlagMemoryFormat[] = "--memory-format";
inline constexpr char kFlagParentPid[] = "--parent-pid";  // Linux: die with this parent process
inline constexpr char kFlagParentPipe[] =
    "--parent-pipe";  // die when this descriptor reaches its end

}  // namespace laptime::trainer
