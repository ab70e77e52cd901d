/* not_run.h - the tests that cannot hold in an emulator, and why: reported as not run, neither passed nor failed.
 *
 * Only what the emulator (qemu-user 7.2) does differently from the machine belongs here: everything else is a bug of ours. */
#ifndef EDDY_LOOP_TESTS_ARM64_NOT_RUN_H
#define EDDY_LOOP_TESTS_ARM64_NOT_RUN_H

static const struct {
    const char *test, *why;
} ck_not_run[] = {
    { "ten_thousand_sequences_give_the_same_results_as_the_kernel",
      "the emulator stands before the kernel: it judges the length of an address before the kernel sees the socket" },
    { "its_threads_have_a_name_and_take_no_signals", "the emulator cannot block signals 63 and 64" },
    { "a_forked_child_has_a_pool_of_its_own_whatever_the_parents_does",
      "the emulator breaks when one of several threads forks" },
    { "the_script_has_the_same_results_on_the_kernel_and_in_the_sim",
      "the emulator's vfork is a fork, through which a child cannot say why its program was not loaded" },
};

#endif
