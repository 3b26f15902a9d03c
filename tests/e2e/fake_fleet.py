"""A case whose agents run the scripted trainer (tests/testing/fake_trainer.cc): everything else is the real thing."""
import contextlib
import os
import shutil

from programs import BIN, Programs


class FakeFleet(Programs):
    def setUp(self):
        super().setUp()
        # The agent takes the trainer that lies beside it.
        self.bin = self.path("bin")
        os.mkdir(self.bin)
        shutil.copy(os.path.join(BIN, "laptime-agent"), self.bin)
        shutil.copy(os.path.join(BIN, "laptime_fake_trainer"), os.path.join(self.bin, "laptime-trainer"))

    def finished_run(self, epochs=2):
        job = self.submit("box/cpu", epochs=epochs)
        self.client("job", "wait", job)
        return self.job_runs(job)[0]["id"]

    def stop(self, program):
        program.signal(15)
        self.assertEqual(program.wait(), 0, program.output())

    def stored_laps(self, run):
        """The numbers of the laps in the coordinator's database, of all attempts of that run."""
        with contextlib.closing(self.database()) as database:
            return [number for number, in database.execute(
                "SELECT epoch.number FROM epoch JOIN attempt ON epoch.attempt = attempt.key "
                "JOIN run ON attempt.run = run.key WHERE run.id = ? ORDER BY epoch.number", (run,))]
