"""What every successful job of two epochs must have left: on the screen, in SQLite, in the snapshot."""
PHASES = ["load_wait", "host_to_device", "forward", "loss", "backward", "optimizer", "bank", "knn", "other"]


def check_result(test, run, dataset):
    """The run's laps as `run show` gives them."""
    test.assertEqual(run["state"], "RUN_STATE_SUCCEEDED")
    test.assertTrue(run["partial"])
    shown = test.ask("run", "show", run["id"])
    test.assertEqual([epoch["number"] for epoch in shown["epochs"]], [1, 2])
    for epoch in shown["epochs"]:
        phases = epoch["phases"]
        test.assertAlmostEqual(sum(phases[name] for name in PHASES), epoch["wall_seconds"], delta=1e-6)
        test.assertGreater(epoch["step_seconds"]["p50"], 0)
        test.assertTrue(0 <= epoch["knn_accuracy"] <= 1)
        test.assertEqual(epoch["utilization"]["source"], "procfs")
        test.assertTrue(0 < epoch["utilization"]["mean_percent"] <= 100)
    test.assertIn(dataset, shown["run"]["dataset"])
    for fact in ("host", "device", "trainer", "dataset"):
        test.assertIn(fact, shown["snapshot"])
    with test.database() as database:
        rows = database.execute(
            "SELECT epoch, wall_seconds, mean_loss, knn_accuracy, utilization_mean_percent FROM epoch_detail "
            "WHERE run = ? ORDER BY epoch", (run["id"],)).fetchall()
    test.assertEqual(rows, [(epoch["number"], epoch["wall_seconds"], epoch["mean_loss"], epoch["knn_accuracy"],
                             epoch["utilization"]["mean_percent"]) for epoch in shown["epochs"]])
    return shown["epochs"]
