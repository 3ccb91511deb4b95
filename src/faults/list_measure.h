/* Faults of a relay whose capacity is measured; part of the list in faults.h. Where the text says N
 * N is not an occasion. */
#ifndef TUNIC_FAULTS_LIST_MEASURE_H
#define TUNIC_FAULTS_LIST_MEASURE_H

#define FAULTS_MEASURE(X)                                                                        \
    X(ECHO_SEALED, "echo-sealed", FAULT_FROM,                                                    \
      "gives one in N echo cells back as it came, not decrypted")                                \
    X(ECHO_RANDOM, "echo-random", FAULT_FROM, "gives random bytes back for echo cells")          \
    X(ECHO_REPLAY, "echo-replay", FAULT_FROM, "gives an old echo cell back again for a new one") \
    X(ECHO_EARLY, "echo-early", FAULT_FROM, "gives a cell back before it has come")              \
    X(ECHO_SWAP, "echo-swap", FAULT_FROM, "gives echo cells back in another order")              \
    X(ECHO_FLOOD, "echo-flood", FAULT_FROM, "gives back each echo cell 16 times more")           \
    X(ECHO_ELSEWHERE, "echo-elsewhere", FAULT_FROM, "gives echo cells back on another circuit")  \
    X(ECHO_LOST, "echo-lost", FAULT_AT, "does not give the N-th echo cell back")                 \
    X(ECHO_STOPS, "echo-stops", FAULT_FROM, "gives no echo cell back, from the N-th on")         \
    X(BG_TIMES, "bg-times", FAULT_FROM, "says that clients carry N times what they do")          \
    X(BG_CLAIMS, "bg-claims", FAULT_FROM, "says that clients carry N kilobytes a second")        \
    X(BG_ZERO, "bg-zero", FAULT_FROM, "says that clients carry nothing")                         \
    X(BG_ABSENT, "bg-absent", FAULT_FROM, "does not say what clients carry")                     \
    X(BG_ENDLESS, "bg-endless", FAULT_FROM, "goes on when the measurement is over")              \
    X(BG_UNLIMITED, "bg-unlimited", FAULT_FROM, "lets clients carry what they like meanwhile")   \
    X(MEASURE_SILENT, "measure-silent", FAULT_FROM, "says nothing to a coordinator")             \
    X(MEASURE_REFUSES, "measure-refuses", FAULT_FROM, "refuses a coordinator with code N")       \
    X(MEASURE_CLOSES, "measure-closes", FAULT_FROM, "closes the link of a coordinator")          \
    X(MEASURE_ANYBODY, "measure-anybody", FAULT_FROM, "lets itself be measured by anybody")      \
    X(MEASURE_BREAKS, "measure-breaks", FAULT_FROM,                                              \
      "destroys a circuit over a measurement that it refuses")                                   \
    X(MEASURE_UNKNOWN, "measure-unknown", FAULT_FROM,                                            \
      "destroys a circuit over MEASUREMENT of an unknown command")                               \
    X(MEASURE_BACKGROUND, "measure-background", FAULT_FROM,                                      \
      "destroys a circuit over MEASUREMENT that only relays send")                               \
    X(MEASURE_STRAY, "measure-stray", FAULT_FROM,                                                \
      "closes on MEASUREMENT for a circuit that there is not")                                   \
    X(MEASURE_ORPHANS, "measure-orphans", FAULT_FROM,                                            \
      "goes on with a measurement whose coordinator is gone")                                    \
    X(ECHO_UNASKED, "echo-unasked", FAULT_FROM,                                                  \
      "gives an echo message back where nothing is measured")                                    \
    X(ECHO_ON_SILENT, "echo-on-silent", FAULT_FROM, "says nothing to measurers")                 \
    X(ECHO_ON_REFUSES, "echo-on-refuses", FAULT_FROM, "refuses measurers with code N")           \
    X(ECHO_ON_CLOSES, "echo-on-closes", FAULT_FROM, "closes the links of measurers")             \
    X(ECHO_ON_ANYBODY, "echo-on-anybody", FAULT_FROM, "gives cells back to anybody who asks")    \
    X(RUN_STALLS, "run-stalls", FAULT_FROM, "gives no echo cell back from second N on")          \
    X(RUN_CLOSES, "run-closes", FAULT_FROM, "closes all links of the measurement in second N")   \
    X(RUN_ABORTS, "run-aborts", FAULT_FROM, "ends the measurement with ERR in second N")         \
    X(RUN_PADS, "run-pads", FAULT_FROM,                                                          \
      "sends PADDING beside echo cells, and nothing else from second N on")

#endif
